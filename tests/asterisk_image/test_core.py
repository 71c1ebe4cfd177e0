"""Core files, metrics, queues, WebSocket connections."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from asterisk_parser import parse, section
from documents import phone, values

from asterisk_config.core import files, metrics_files, queue_files, web_socket_files
from asterisk_config.places import Places

WORK = Path("/here")
ROUTES = ("/ws", "/media", "/media/call")


def test_an_installed_asterisk_writes_below_one_folder_and_reads_from_built_in_paths() -> None:
    folders = section(files(values(), Places.installed(WORK))["asterisk.conf"], "directories")
    assert {value.startswith("/here/") for _, value in folders.lines} == {True}
    assert "astmoddir" not in dict(folders.lines)


def test_an_unpacked_asterisk_gets_the_path_of_its_modules() -> None:
    folders = section(
        files(values(), Places.unpacked(Path("/tree"), WORK))["asterisk.conf"], "directories"
    )
    assert folders["astmoddir"] == "/tree/usr/lib/x86_64-linux-gnu/asterisk/modules"
    assert folders["astdatadir"] == "/tree/usr/share/asterisk"
    assert folders["astdbdir"] == "/here/db"


@pytest.mark.parametrize(
    ("level", "logged", "verbose"),
    [
        ("error", "error,security", False),
        ("notice", "error,warning,notice,security", False),
        ("verbose", "error,warning,notice,verbose,security", True),
        ("debug", "error,warning,notice,verbose,debug,security", True),
    ],
)
def test_logs_go_to_the_console(level: str, logged: str, verbose: bool) -> None:
    found = files(values(logLevel=level), Places.installed(WORK))
    assert section(found["logger.conf"], "logfiles").lines == [("console", logged)]
    options = dict(section(found["asterisk.conf"], "options").lines)
    assert ("verbose" in options) is verbose


@pytest.mark.parametrize(
    ("document", "calls", "files_"),
    [
        ({}, "99", "2096"),
        ({"rtp": {"firstPort": 10000, "lastPort": 10399}}, "199", "3696"),
        ({"maxCalls": 7, "maxFiles": 1000}, "7", "1000"),
    ],
)
def test_calls_and_open_files_are_limited(
    document: dict[str, Any], calls: str, files_: str
) -> None:
    found = files(values(**document), Places.installed(WORK))
    options = section(found["asterisk.conf"], "options")
    assert (options["maxcalls"], options["maxfiles"]) == (calls, files_)


def test_nothing_listens_but_sip() -> None:
    found = files(values(), Places.installed(WORK))
    assert section(found["manager.conf"], "general")["enabled"] == "no"
    assert "http.conf" not in found


def test_every_file_can_be_parsed() -> None:
    for text in files(values(), Places.installed(WORK)).values():
        parse(text)


def test_without_a_port_nothing_listens() -> None:
    assert metrics_files(values()) == {}
    assert metrics_files(values(metricsPort=None)) == {}


def test_metrics_are_at_their_usual_path_on_all_addresses() -> None:
    found = metrics_files(values(metricsPort=9100))
    server = section(found["http.conf"], "general")
    assert (server["enabled"], server["bindaddr"], server["bindport"]) == ("yes", "0.0.0.0", "9100")
    page = section(found["prometheus.conf"], "general")
    assert (page["enabled"], page["uri"], page["core_metrics_enabled"]) == ("yes", "metrics", "yes")


def test_asterisk_s_own_pages_are_off() -> None:
    server = section(metrics_files(values(metricsPort=9100))["http.conf"], "general")
    assert (server["enable_static"], server["enable_status"]) == ("no", "no")


@pytest.mark.parametrize("route", ROUTES)
def test_routes_of_other_modules_are_blocked_in_every_spelling(route: str) -> None:
    http = metrics_files(values(metricsPort=9100))["http.conf"]
    closed = [found.name for found in parse(http) if ("type", "restriction") in found.lines]
    for signs in product(*({sign.lower(), sign.upper()} for sign in route)):
        assert "".join(signs).startswith(tuple(closed))
    assert not "/metrics".startswith(tuple(closed))


def test_blocked_routes_are_blocked_for_all_addresses() -> None:
    for found in parse(metrics_files(values(metricsPort=9100))["http.conf"])[1:]:
        assert found.all("deny") == ["0.0.0.0/0.0.0.0", "::/0"]


def test_without_queues_there_is_no_file() -> None:
    assert queue_files(values()) == {}


def test_the_phones_of_a_queue_ring_together() -> None:
    found = queue_files(
        values(
            phones=[phone(), phone("602")],
            queues=[{"name": "sales", "members": ["601", "602"]}],
            timeouts={"ringSeconds": 20},
        )
    )
    sales = section(found["queues.conf"], "sales")
    assert sales.all("member") == ["PJSIP/601", "PJSIP/602"]
    assert sales["timeout"] == "20"
    assert sales["joinempty"] == "no"


def test_without_websocket_agents_there_are_no_web_socket_files() -> None:
    assert web_socket_files(values()) == {}


def test_connections_are_read_from_astdb() -> None:
    found = web_socket_files(values(agents=[{"name": "desk", "transport": "webSocket"}]))
    clients = section(found["sorcery.conf"], "res_websocket_client")
    assert clients["websocket_client"] == "astdb,interject"
    assert web_socket_files(values(published=True)) == found
