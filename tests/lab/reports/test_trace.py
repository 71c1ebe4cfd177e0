"""A trace as text: every span once, whatever it references as its parent; and as a picture."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from interject_lab.reports.trace import LONGEST_NOTES, Span, as_text, draw, spans_of


def span(
    name: str, id: str, parent: str = "", at_ms: int = 0, for_ms: int = 0, **more: Any
) -> dict[str, Any]:
    """As Jaeger gives it."""
    tags = more.pop("tags", {})
    return {
        "traceID": "t",
        "spanID": id,
        "operationName": name,
        "startTime": 1_700_000_000_000_000 + at_ms * 1000,
        "duration": for_ms * 1000,
        "references": [{"refType": "CHILD_OF", "traceID": "t", "spanID": parent}] if parent else [],
        "tags": [{"key": key, "type": "string", "value": value} for key, value in tags.items()],
        "logs": [],
        "processID": "p1",
        **more,
    }


PROCESSES = {
    "p1": {"serviceName": "interject", "tags": [{"key": "k8s.pod.name", "value": "pod-7"}]}
}


def printed(*spans: dict[str, Any]) -> list[str]:
    return as_text(spans_of({"spans": list(spans), "processes": PROCESSES})).splitlines()


def test_a_call_as_it_is_printed() -> None:
    drain = {"fields": [{"key": "event", "value": "drain"}]}
    assert printed(
        span("tts", "5", "3", 1300, 400, tags={"interject.cut": True, "otel.scope.name": "x"}),
        span("turn", "3", "1", 1200, 3000),
        span("call", "1", "", 0, 9000, tags={"interject.call.ended": "bot"}, logs=[drain]),
        span("connect", "2", "1", 1, 80),
        span("llm", "4", "3", 1200, 100, tags={"error.type": "ProviderError"}),
        span("turn", "6", "1", 5000, 1000),
    ) == [
        "     at s     for s",
        "    0.000     9.000  call         in pod-7 call.ended=bot event=drain",
        "    0.001     0.080  ├── connect",
        "    1.200     3.000  ├── turn",
        "    1.200     0.100  │   ├── llm  error.type=ProviderError",
        "    1.300     0.400  │   └── tts  cut=True",
        "    5.000     1.000  └── turn",
    ]


def test_a_leg_that_was_lost_has_a_line_and_is_what_the_next_one_follows() -> None:
    link = [{"refType": "FOLLOWS_FROM", "traceID": "t", "spanID": "1"}]
    lost = [{"refType": "FOLLOWS_FROM", "traceID": "t", "spanID": "8"}]
    assert printed(
        span("connect", "5", "9", 0, 10),
        span("turn", "6", "9", 20, 500),
        span("call", "1", at_ms=1000, for_ms=30, references=lost),
        span("call", "2", at_ms=2000, for_ms=40, references=link),
    )[1:] == [
        "    0.000     0.520  (not here)   in pod-7",
        "    0.000     0.010  ├── connect",
        "    0.020     0.500  └── turn",
        "    1.000     0.030  call         in pod-7 after=(not here)",
        "    2.000     0.040  call         in pod-7 after=call",
    ]


def test_a_line_does_not_grow_without_end() -> None:
    (_, line) = printed(span("turn", "1", tags={"interject.text.caller": "my " * 1000}))
    assert line.endswith(" my...") or line.endswith(" m...")
    assert len(line) < LONGEST_NOTES + 30


def test_a_trace_without_spans_says_so() -> None:
    assert as_text([]) == "no spans"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), unique_by=lambda each: each[0]))
def test_every_span_is_printed_once(edges: list[tuple[int, int]]) -> None:
    """Parents that are missing, or come later, or go round in circles."""
    spans = [span(f"s{one}", str(one), str(parent)) for one, parent in edges]
    words = " ".join(printed(*spans)[1:]).split()
    names = [word for word in words if word.startswith("s") and word[1:].isdigit()]
    assert sorted(names) == sorted(f"s{one}" for one, _ in edges)


def bare_span(number: int, parent: str = "") -> Span:
    return Span("0" * 32, f"{number:016x}", "turn", number * 1000, 500, parent, (), {}, (), "")


def test_each_span_has_a_line_and_parents_that_are_lost_have_one_too(tmp_path: Path) -> None:
    heights = []
    for spans in (
        [bare_span(1)],
        [bare_span(1), bare_span(2)],
        [bare_span(1), bare_span(2, "f" * 16)],
    ):
        draw(spans, tmp_path / "trace.png", "A trace")
        with Image.open(tmp_path / "trace.png") as picture:
            heights.append(picture.height)
    line = heights[1] - heights[0]
    assert line > 0
    assert heights[2] - heights[1] == line
