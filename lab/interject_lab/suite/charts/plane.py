"""The operating plane: false stops against missed interruptions, a point for each rule."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interject_lab.scoring.suite_scores import Figure as Rate
from interject_lab.scoring.suite_scores import SuiteScores
from interject_lab.suite.charts.figure import (
    FAINT,
    GRID,
    LABEL_PT,
    MARKERS,
    as_svg,
    as_svg_file,
    new_figure,
    rule_color,
    rule_shape,
    set_title,
)

_SIZE_IN: Final = (3.65, 3.0)
_ALONE_IN: Final = (7.4, 4.2)
_FEW_PERCENT: Final = (0, 1, 2, 5, 10, 20, 30, 40)
_MANY_PERCENT: Final = (0, 2, 10, 25, 50, 75, 100)
_LEAST_TOP_PERCENT: Final = 5.0
_ZERO_DECADES: Final = 0.6
"""How far left of the logarithmic axis 0 lies."""


class PerHourAxis:
    """A logarithmic axis with a place for 0, for all panels of a report."""

    def __init__(self, scores: Sequence[SuiteScores]) -> None:
        found = [each.figures["false_per_hour"] for each in scores]
        ends = [end for each in found for end in (each.value, each.low, each.high) if end]
        self._first = int(np.floor(np.log10(min(ends, default=1.0))))
        self._last = max(int(np.ceil(np.log10(max(ends, default=10.0)))), self._first + 1)

    def place(self, per_hour: float) -> float:
        """Where on the axis `per_hour` lies, in decades."""
        return float(np.log10(per_hour)) if per_hour > 0 else self._first - _ZERO_DECADES

    def prepare(self, axes: Axes) -> None:
        """Give `axes` this x axis."""
        decades = range(self._first, self._last + 1)
        axes.set_xticks(
            [self.place(0), *decades], ["0", *(f"{10.0**decade:g}" for decade in decades)]
        )
        axes.set_xlim(self.place(0) - 0.2, self._last + 0.1)
        axes.axvline(self._first - _ZERO_DECADES / 2, color=FAINT, lw=0.8, ls=(0, (1, 3)))
        axes.set_xlabel("false stops per hour")


def top_percent(scores: Sequence[SuiteScores]) -> float:
    """The highest share of missed interruptions that any panel shows, in percent."""
    found = [each.figures["missed_percent"] for each in scores]
    ends = [end for each in found for end in (each.value, each.high) if end is not None]
    return max(_LEAST_TOP_PERCENT, *ends, 0.0)


def plane_of_its_own(scores: Sequence[SuiteScores]) -> str:
    """The same with a legend, as an SVG document, for a page without the report's.

    Args:
        scores: of one suite.
    """
    rules = [each.rule for each in scores]
    figure = _drawn(scores, rules, PerHourAxis(scores), top_percent(scores), _ALONE_IN)
    (axes,) = figure.axes
    handles, names = axes.get_legend_handles_labels()
    if names:  # few calls may have nothing to show
        axes.legend(
            handles, names, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False,
            labelcolor=FAINT, fontsize=LABEL_PT,
        )  # fmt: skip
    return as_svg_file(as_svg(figure, _description(scores)))


def operating_plane(
    scores: Sequence[SuiteScores], rules: Sequence[str], axis: PerHourAxis, top: float
) -> Markup:
    """One suite: its rules, with their 95 % intervals.

    Args:
        scores: of the suite.
        rules: all of the report, for their colours.
        axis: of the false stops.
        top: of the missed interruptions, in percent.
    """
    return as_svg(_drawn(scores, rules, axis, top, _SIZE_IN), _description(scores))


def _description(scores: Sequence[SuiteScores]) -> str:
    return f"{scores[0].suite}: false stops per hour against missed interruptions"


def _drawn(
    scores: Sequence[SuiteScores],
    rules: Sequence[str],
    axis: PerHourAxis,
    top: float,
    size_in: tuple[float, float],
) -> Figure:
    figure, axes = new_figure(*size_in)
    axis.prepare(axes)
    # The root keeps rules apart that miss few, beside one that misses all.
    every = _FEW_PERCENT if top <= _FEW_PERCENT[-1] else _MANY_PERCENT
    ticks = [tick for tick in every if tick <= top]
    axes.set_yticks(np.sqrt(ticks), [f"{tick} %" for tick in ticks])
    axes.set_ylim(-0.03 * np.sqrt(top), np.sqrt(top) * 1.04)
    axes.set_ylabel("interruptions missed")
    axes.grid(color=GRID, lw=0.8)
    for each in scores:
        _point(axes, axis, each, rules)
    set_title(axes, scores[0].suite)
    return figure


def _point(axes: Axes, axis: PerHourAxis, scores: SuiteScores, rules: Sequence[str]) -> None:
    false, missed = (scores.figures[name] for name in ("false_per_hour", "missed_percent"))
    if false.value is None or missed.value is None:
        return
    color = rule_color(rules, scores.rule)
    x, y = axis.place(false.value), float(np.sqrt(missed.value))
    across = [axis.place(end) for end in _ends(false)]
    up = [float(np.sqrt(end)) for end in _ends(missed)]
    axes.plot(across, [y, y], color=color, lw=1.4, alpha=0.65, solid_capstyle="round")
    axes.plot([x, x], up, color=color, lw=1.4, alpha=0.65, solid_capstyle="round")
    marker = MARKERS[rule_shape(rules, scores.rule)]
    axes.plot(
        [x], [y], marker, color=color, ms=7, mew=0, clip_on=False, zorder=3, label=scores.rule
    )


def _ends(rate: Rate) -> tuple[float, float]:
    value = rate.value or 0.0
    return (
        value if rate.low is None else rate.low,
        value if rate.high is None else rate.high,
    )
