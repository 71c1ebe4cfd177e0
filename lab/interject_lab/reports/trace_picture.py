"""A call's trace as a picture: a line for each span, when it was, and what it was part of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from interject_lab.reports.trace_tree import Span, branches

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
