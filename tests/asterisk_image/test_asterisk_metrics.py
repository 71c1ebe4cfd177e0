"""http.conf and prometheus.conf: the metrics, and no other page of Asterisk's HTTP server."""

from itertools import product

import pytest
from asterisk_parser import parse, section
from documents import values

from asterisk_config.metrics import files

ROUTES = ("/ws", "/media", "/media/call")


def test_without_a_port_nothing_listens() -> None:
    assert files(values()) == {}
    assert files(values(metricsPort=None)) == {}


def test_metrics_are_at_their_usual_path_and_other_machines_may_ask() -> None:
    found = files(values(metricsPort=9100))
    server = section(found["http.conf"], "general")
    assert (server["enabled"], server["bindaddr"], server["bindport"]) == ("yes", "0.0.0.0", "9100")
    page = section(found["prometheus.conf"], "general")
    assert (page["enabled"], page["uri"], page["core_metrics_enabled"]) == ("yes", "metrics", "yes")


def test_asterisk_s_own_pages_are_off() -> None:
    server = section(files(values(metricsPort=9100))["http.conf"], "general")
    assert (server["enable_static"], server["enable_status"]) == ("no", "no")


@pytest.mark.parametrize("route", ROUTES)
def test_routes_of_other_modules_are_closed_however_they_are_written(route: str) -> None:
    http = files(values(metricsPort=9100))["http.conf"]
    closed = [found.name for found in parse(http) if ("type", "restriction") in found.lines]
    for signs in product(*({sign.lower(), sign.upper()} for sign in route)):
        assert "".join(signs).startswith(tuple(closed))
    assert not "/metrics".startswith(tuple(closed))


def test_what_is_closed_is_closed_to_everybody() -> None:
    for found in parse(files(values(metricsPort=9100))["http.conf"])[1:]:
        assert found.all("deny") == ["0.0.0.0/0.0.0.0", "::/0"]
