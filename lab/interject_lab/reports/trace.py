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
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

LONGEST_NOTES: Final = 110
"""Characters; longer notes are cut."""
NOT_HERE: Final = "(not here)"
"""Name of a span that is only referenced."""
_GUIDE_COLUMNS: Final = 4
"""Of rich's tree, per level."""
_PREFIX: Final = "interject."
_SHOWN: Final = ("error.type", "gen_ai.agent.name")
_POD: Final = "k8s.pod.name"


@dataclass(frozen=True, slots=True)
class Span:
    """A span of a trace."""

    trace_id: str
    """32 hexadecimal digits."""
    id: str
    name: str
    began_us: int
    """Since 1970."""
    lasted_us: int
    parent: str
    """Its id; "" without one."""
    after: tuple[str, ...]
    """Ids of the linked spans."""
    tags: Mapping[str, Any]
    events: tuple[str, ...]
    pod: str
    """The pod that reported it; "" if unknown."""


def spans_of(trace: Mapping[str, Any]) -> list[Span]:
    """The spans of a trace of Jaeger's, by start.

    Raises:
        KeyError: not a trace.
    """
    pods = {
        name: _tags(process.get("tags", ())).get(_POD, "")
        for name, process in trace.get("processes", {}).items()
    }
    spans = [_span(each, pods) for each in trace["spans"]]
    return sorted(spans, key=lambda span: (span.began_us, -span.lasted_us))


def as_text(spans: Sequence[Span]) -> str:
    """One line per span: its start after the first, its duration, its name, its attributes."""
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
    """Each span once, missing parents included, with its name as a line of the tree."""
    root = Tree("", hide_root=True)
    found = list(_in_order([*_missing(spans), *spans], root))
    width = max((depth * _GUIDE_COLUMNS + len(span.name) for depth, span in found), default=1)
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(root)
    lines = (line.rstrip() for line in capture.get().splitlines())
    return [(line, span) for line, (_, span) in zip(lines, found, strict=True)]


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
    """A span for each missing parent, from the start to the end of its children."""
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


def _in_order(spans: Sequence[Span], root: Tree) -> Iterator[tuple[int, Span]]:
    """Each span once, from the top, with its depth; adds it to the tree under `root`."""
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        children[span.parent].append(span)
    seen: set[str] = set()
    # Top-level spans first; the rest forms cycles, each entered at its earliest span.
    for top in (*children[""], *spans):
        # A stack and not a recursion: the depth comes from the network.
        left = [(0, root, top)]
        while left:
            depth, parent, span = left.pop()
            if span.id in seen:
                continue
            seen.add(span.id)
            node = parent.add(Text(" ".join(span.name.split()), no_wrap=True))
            yield depth, span
            left += [(depth + 1, node, child) for child in reversed(children[span.id])]


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
"""By span name; others are grey."""
_OTHER: Final = "#6c757d"
LINE_IN, WIDTH_IN, EDGES_IN = 0.2, 9.6, 0.9
DPI: Final = 100
THINNEST: Final = 0.003
"""Of the picture's width: a shorter span is drawn this wide."""


def draw(spans: Sequence[Span], path: Path, title: str) -> None:
    """Draw a trace with at least one span to `path`; the suffix selects the format."""
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
    axes.set_xlabel("seconds since the first request for a pod", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_title(title, fontsize=9, loc="left")
    figure.savefig(path, dpi=DPI)
