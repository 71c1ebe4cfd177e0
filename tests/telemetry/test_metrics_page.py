"""The metrics page in pieces is the library's own page, and no piece is long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families

from media_pod.telemetry.metrics import Metrics
from media_pod.telemetry.metrics_page import PIECE_SAMPLES, pieces

TEXT = "text/plain;version=0.0.4"
OPEN = "application/openmetrics-text;version=1.0.0"


@pytest.mark.parametrize("accept", ["", TEXT, OPEN])
@given(
    labels=st.lists(st.text(max_size=5), max_size=12, unique=True),
    values=st.lists(st.floats(0, 30), max_size=12),
)
def test_the_pieces_are_the_page(accept: str, labels: list[str], values: list[float]) -> None:
    registry = CollectorRegistry()
    Gauge("a", "A gauge\nof two lines.", registry=registry).set(3)
    counter = Counter("b", "Counts.", ("why",), registry=registry)
    histogram = Histogram("c_seconds", "Times.", ("kind",), registry=registry)
    for label in labels:
        counter.labels(label).inc()
        histogram.labels(label)
    for value in values:
        histogram.labels("x").observe(value, {"trace_id": "1234"})
    encode, content_type = choose_encoder(accept)

    made, found_type = pieces(registry, accept)
    page = b"".join(made)

    assert found_type == content_type
    assert sorted(page.splitlines()) == sorted(encode(registry).splitlines())
    if accept == OPEN:
        assert page == encode(registry)
    else:
        found = {family.name: family for family in text_string_to_metric_families(page.decode())}
        whole = encode(registry).decode()
        assert found == {each.name: each for each in text_string_to_metric_families(whole)}


@pytest.mark.parametrize("accept", ["", OPEN])
def test_no_piece_is_longer_than_so_many_samples(accept: str) -> None:
    metrics = Metrics(100, "desk", drain_timeout_s=900)
    made = list(metrics.page(accept)[0])

    lines = [[line for line in piece.splitlines() if line[:1] != b"#"] for piece in made]
    assert max(map(len, lines)) <= PIECE_SAMPLES
    assert sum(map(len, lines)) > 10 * PIECE_SAMPLES


def test_some_metrics_alone_are_a_page_of_their_own() -> None:
    metrics = Metrics(100, "desk", drain_timeout_s=900)
    metrics.active_calls(7)
    made, _ = metrics.page("", ("interject_active_calls",))
    names = {family.name for family in text_string_to_metric_families(b"".join(made).decode())}
    assert names == {"interject_active_calls"}
    assert b"interject_active_calls 7.0\n" in b"".join(metrics.page("")[0])
