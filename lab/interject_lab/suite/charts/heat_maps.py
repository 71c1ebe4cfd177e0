"""Heat maps of one rule over echo return loss and delay."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from interject_lab.scoring.figures import CallRow
from interject_lab.scoring.suite_scores import interruptions, missed
from interject_lab.suite.charts.figure import EMPTY, HEAT, INK, as_svg, new_figure, set_title

_SIZE_IN: Final = (4.3, 3.1)
_DELAY_MS: Final = (50, 100, 200, 450)
_ERL_DB: Final = (12, 20, 30, 40)
"""Edges between the cells; the outermost cells are open."""
_PALEST, _FULLEST = 0.06, 0.8

Cell = tuple[int, int]
"""Column by delay, row by ERL."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio that is shown over the cells."""

    name: str
    of: Callable[[CallRow], tuple[float, float]]
    """What is counted in a call, and in how much."""
    unit: float
    """By which the ratio is multiplied."""
    note: str
    """What stands below the value, of the two sums."""


FALSE_PER_HOUR: Final = Measure(
    "false stops per hour",
    lambda row: (len(row.figures.false_stops), row.figures.bot_alone_s / 3600),
    1.0,
    "{:.0f} / {:.2g} h",
)
MISSED_PERCENT: Final = Measure(
    "missed interruptions, %",
    lambda row: (sum(map(missed, found := interruptions(row.figures))), len(found)),
    100.0,
    "{:.0f} / {:.0f}",
)

Sums = Mapping[Cell, tuple[float, float]]


def sums(rows: Sequence[CallRow], measure: Measure) -> Sums:
    """By cell: what was counted and in how much; calls whose line is not known are left out."""
    found: dict[Cell, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for row in rows:
        delay_ms, erl_db = row.conditions.get("delay_ms"), row.conditions.get("erl_db")
        if delay_ms is None or erl_db is None:
            continue
        cell = int(np.digitize(delay_ms, _DELAY_MS)), int(np.digitize(erl_db, _ERL_DB))
        part, whole = measure.of(row)
        found[cell] = found[cell][0] + part, found[cell][1] + whole
    return {cell: pair for cell, pair in found.items() if pair[1] > 0}


def highest(every: Sequence[Sums], measure: Measure) -> float:
    """The highest value of any cell: what the fullest colour stands for."""
    values = [measure.unit * part / whole for each in every for part, whole in each.values()]
    return max(values, default=0.0)


def heat_map(rule: str, cells: Sums, measure: Measure, top: float) -> Markup:
    """One rule.

    Args:
        rule: its name.
        cells: from `sums`.
        measure: what they are sums of.
        top: the value with the fullest colour.
    """
    figure, axes = new_figure(*_SIZE_IN)
    for column in range(len(_DELAY_MS) + 1):
        for row in range(len(_ERL_DB) + 1):
            _draw(axes, (column, row), cells.get((column, row)), measure, top)
    axes.set_xlim(0, len(_DELAY_MS) + 1)
    axes.set_ylim(0, len(_ERL_DB) + 1)
    axes.set_xticks(range(1, len(_DELAY_MS) + 1), list(map(str, _DELAY_MS)))
    axes.set_yticks(range(1, len(_ERL_DB) + 1), list(map(str, _ERL_DB)))
    axes.set_xlabel("delay of the echo, ms")
    axes.set_ylabel("echo return loss, dB")
    axes.spines[:].set_visible(False)
    set_title(axes, rule)
    return as_svg(figure, f"{rule}: {measure.name} over delay and echo return loss")


def _draw(
    axes: Axes, cell: Cell, pair: tuple[float, float] | None, measure: Measure, top: float
) -> None:
    x, y = cell
    place = (x + 0.02, y + 0.02)
    if pair is None:
        axes.add_patch(Rectangle(place, 0.96, 0.96, facecolor=EMPTY, lw=0))
        return
    part, whole = pair
    value = measure.unit * part / whole
    # The logarithm leaves differences visible among small values beside one large one.
    share = float(np.log1p(value) / np.log1p(top)) if top > 0 else 0.0
    opacity = _PALEST + (_FULLEST - _PALEST) * share
    axes.add_patch(Rectangle(place, 0.96, 0.96, facecolor=HEAT, alpha=opacity, lw=0))
    middle: dict[str, Any] = {"color": INK, "ha": "center", "va": "center", "in_layout": False}
    text = f"{value:.0f}" if value == 0 or value >= 10 else f"{value:.1f}"
    axes.text(x + 0.5, y + 0.6, text, fontsize=9, **middle)
    axes.text(x + 0.5, y + 0.26, measure.note.format(part, whole), fontsize=7, **middle)
