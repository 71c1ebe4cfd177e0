"""A breakdown as bars: one for each rule in each group, with the counts behind it."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from interject_lab.suite.breakdowns import Bar, Breakdown
from interject_lab.suite.charts.figure import (
    FAINT,
    INK,
    LABEL_PT,
    as_svg,
    new_figure,
    rule_color,
    set_title,
)

_WIDTH_IN: Final = 5.55
_BAR_IN, _GAP_IN, _EDGES_IN = 0.165, 0.11, 0.35
_ROOM: Final = 1.5
"""Of the axis, in the longest bar's length: its text stands to its right."""


def bar_chart(breakdown: Breakdown, rules: Sequence[str]) -> Markup:
    """One breakdown; `rules` is all of the report, for their colours."""
    heights = [len(group.bars) * _BAR_IN + _GAP_IN for group in breakdown.groups]
    figure, axes = new_figure(_WIDTH_IN, sum(heights) + _EDGES_IN)
    shown = [bar for group in breakdown.groups for bar in group.bars if bar.whole]
    longest = max((_value(breakdown, bar) for bar in shown), default=0.0) or 1.0
    axes.set_xlim(0, longest * _ROOM)
    axes.set_ylim(sum(heights), 0)
    top, ticks = 0.0, []
    for group, height in zip(breakdown.groups, heights, strict=True):
        ticks.append(top + height / 2)
        for index, bar in enumerate(group.bars):
            at = top + _GAP_IN / 2 + (index + 0.5) * _BAR_IN
            value = _value(breakdown, bar)
            axes.barh(at, value, height=_BAR_IN * 0.8, color=rule_color(rules, bar.rule))
            axes.text(
                value + longest * 0.015, at, _text(breakdown, bar), va="center_baseline",
                fontsize=7.5, color=INK if bar.whole else FAINT,
            )  # fmt: skip
        top += height
    axes.set_yticks(ticks, [group.label for group in breakdown.groups], fontsize=LABEL_PT)
    axes.tick_params(axis="y", colors=INK)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    set_title(axes, breakdown.title)
    return as_svg(figure, breakdown.title)


def _value(breakdown: Breakdown, bar: Bar) -> float:
    unit = 100.0 if breakdown.percent else 1.0
    return unit * bar.part / bar.whole if bar.whole else 0.0


def _text(breakdown: Breakdown, bar: Bar) -> str:
    if not bar.whole:
        return "nothing to count"
    value = _value(breakdown, bar)
    if breakdown.percent:
        return f"{value:.1f} %  ({bar.part:.0f} of {bar.whole:.0f})"
    return f"{value:.1f} per hour  ({bar.part:.0f} in {bar.whole:.2g} h)"
