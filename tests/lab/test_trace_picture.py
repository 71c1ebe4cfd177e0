"""A trace as a picture."""

from pathlib import Path

from PIL import Image

from interject_lab.reports.trace_picture import draw
from interject_lab.reports.trace_tree import Span


def span(number: int, parent: str = "") -> Span:
    return Span("0" * 32, f"{number:016x}", "turn", number * 1000, 500, parent, (), {}, (), "")


def test_each_span_has_a_line_and_parents_that_are_lost_have_one_too(tmp_path: Path) -> None:
    heights = []
    for spans in ([span(1)], [span(1), span(2)], [span(1), span(2, "f" * 16)]):
        draw(spans, tmp_path / "trace.png", "A trace")
        with Image.open(tmp_path / "trace.png") as picture:
            heights.append(picture.height)
    line = heights[1] - heights[0]
    assert line > 0
    assert heights[2] - heights[1] == line
