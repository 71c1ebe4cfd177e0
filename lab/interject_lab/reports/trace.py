"""A call's trace for people: a tree for a terminal, and a picture with one bar per span.

Takes a trace as Jaeger's HTTP API returns it (`data[0]` of /api/traces), from any source. Child
spans stand below their parent, in order of their start. A parent that is referenced but missing has
a line too: a pod that crashes never exports its call's span.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

LONGEST_NOTES: Final = 110
"""Characters; a line of a report is not wrapped."""
NOT_HERE: Final = "(not here)"
"""Name of a span that is only known from those below it."""
_PREFIX: Final = "interject."
_SHOWN: Final = ("error.type", "gen_ai.agent.name")
_POD: Final = "k8s.pod.name"


@dataclass(frozen=True, slots=True)
class Span:
    """One span of a trace."""

    trace_id: str
    """32 hexadecimal digits."""
    id: str
    name: str
    began_us: int
    """Since 1970."""
    lasted_us: int
    parent: str
    """Its id; "" if it has none."""
    after: tuple[str, ...]
    """Ids of the spans that it is linked to."""
    tags: Mapping[str, Any]
    events: tuple[str, ...]
    pod: str
    """Where it was made; "" if that is not told."""


def spans_of(trace: Mapping[str, Any]) -> list[Span]:
    """The spans of one of Jaeger's traces, by when they began.

    Raises:
        KeyError: it is not a trace.
    """
    pods = {
        name: _tags(process.get("tags", ())).get(_POD, "")
        for name, process in trace.get("processes", {}).items()
    }
    spans = [_span(each, pods) for each in trace["spans"]]
    return sorted(spans, key=lambda span: (span.began_us, -span.lasted_us))


def as_text(spans: Sequence[Span]) -> str:
    """One line per span: when it began after the first, how long it took, what it was."""
    if not spans:
        return "no spans"
    lines = branches(spans)
    first_us = min(span.began_us for _, span in lines)
    names = {span.id: span.name for _, span in lines}
    width = max(len(label) for label, _ in lines)
    table = [
        f"{(span.began_us - first_us) / 1e6:9.3f} {span.lasted_us / 1e6:9.3f}  "
        f"{label:{width}}  {_notes(span, names)}".rstrip()
        for label, span in lines
    ]
    return "\n".join((f"{'at s':>9} {'for s':>9}", *table))


def branches(spans: Sequence[Span]) -> list[tuple[str, Span]]:
    """Each span once, those that are only known from others too, with its name in the tree."""
    return list(_lines([*_missing(spans), *spans]))


def _span(each: Mapping[str, Any], pods: Mapping[str, str]) -> Span:
    references = each.get("references", ())
    above = [found["spanID"] for found in references if found["refType"] == "CHILD_OF"]
    after = [found["spanID"] for found in references if found["refType"] != "CHILD_OF"]
    events = [_tags(log["fields"]).get("event", "") for log in each.get("logs") or ()]
    return Span(
        trace_id=each["traceID"],
        id=each["spanID"],
        name=each["operationName"],
        began_us=each["startTime"],
        lasted_us=each["duration"],
        parent=above[0] if above else "",
        after=tuple(after),
        tags=_tags(each.get("tags", ())),
        events=tuple(filter(None, events)),
        pod=pods.get(each.get("processID", ""), ""),
    )


def _tags(tags: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}


def _missing(spans: Sequence[Span]) -> Iterator[Span]:
    """A span for each parent that is not there, as long as what is known of it."""
    ids = {span.id for span in spans}
    below: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        if span.parent and span.parent not in ids:
            below[span.parent].append(span)
    for parent, children in below.items():
        began_us = min(child.began_us for child in children)
        ended_us = max(child.began_us + child.lasted_us for child in children)
        trace_id, pod = children[0].trace_id, children[0].pod
        yield Span(trace_id, parent, NOT_HERE, began_us, ended_us - began_us, "", (), {}, (), pod)


def _lines(spans: Sequence[Span]) -> Iterator[tuple[str, Span]]:
    """Each span once, with its name behind the branches that lead to it."""
    below: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        below[span.parent].append(span)
    printed: set[str] = set()
    # Those at the top first; what is then left hangs in a circle, and is entered where it began.
    for top in (*below[""], *spans):
        # A stack and not a recursion: what is printed came over the network.
        left = [("", "", top)]
        while left:
            branch, indent, span = left.pop()
            if span.id in printed:
                continue
            printed.add(span.id)
            yield branch + span.name, span
            for place, child in enumerate(reversed(below[span.id])):
                mark, space = ("`- ", "   ") if place == 0 else ("|- ", "|  ")
                left.append((indent + mark, indent + space, child))


def _notes(span: Span, names: Mapping[str, str]) -> str:
    shown = [
        f"{name.removeprefix(_PREFIX)}={round(value, 1) if isinstance(value, float) else value}"
        for name, value in sorted(span.tags.items())
        if name.startswith(_PREFIX) or name in _SHOWN
    ]
    shown += [f"after={names.get(link, NOT_HERE)}" for link in span.after]
    shown += [f"event={event}" for event in span.events]
    if span.pod and span.name in ("call", NOT_HERE):
        shown.insert(0, f"in {span.pod}")
    notes = " ".join(shown)
    return notes if len(notes) <= LONGEST_NOTES else f"{notes[: LONGEST_NOTES - 3]}..."


COLOURS: Final = {
    "call": "#3d5a80",
    "turn": "#98a8ba",
    "stt": "#7a9e7e",
    "llm": "#e0a458",
    "tts": "#5a9fd4",
    "bargein": "#c8553d",
}
"""Of the spans that have a length to see; others are grey."""
_OTHER: Final = "#6c757d"
LINE_IN, WIDTH_IN, EDGES_IN = 0.2, 9.6, 0.9
DPI: Final = 100
THINNEST: Final = 0.003
"""Of the picture's width: what is shorter is still seen."""


def draw(spans: Sequence[Span], path: Path, title: str) -> None:
    """Write the picture of a trace that has spans to `path`; its ending says which format."""
    lines = branches(spans)
    first_us = min(span.began_us for _, span in lines)
    length_s = max(span.began_us + span.lasted_us - first_us for _, span in lines) / 1e6
    figure = Figure(figsize=(WIDTH_IN, LINE_IN * len(lines) + EDGES_IN), layout="constrained")
    axes = figure.add_subplot()
    for row, (_, span) in enumerate(lines):
        axes.barh(
            row,
            max(span.lasted_us / 1e6, THINNEST * length_s),
            left=(span.began_us - first_us) / 1e6,
            height=0.7,
            color=COLOURS.get(span.name, _OTHER),
        )
    labels = [label for label, _ in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=8, ha="left", family="monospace")
    axes.tick_params(axis="y", length=0, pad=7 * max(map(len, labels)))
    axes.invert_yaxis()
    axes.set_xlim(0, length_s)
    axes.set_xlabel("seconds since the question for an agent", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_title(title, fontsize=9, loc="left")
    figure.savefig(path, dpi=DPI)
