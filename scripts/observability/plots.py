"""Draws the query results of a dashboard in the style of Grafana."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import FuncFormatter, MaxNLocator

from observability.grafana import HEIGHTS
from observability.model import Dashboard, Panel, PanelKind, Unit

Series = Sequence[Mapping[str, Any]]
"""Result of a Prometheus range query."""
Returned = Mapping[tuple[str, str], Series]
"""Series by panel title and legend."""

COLOURS: Final = (
    *("#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#B877D9", "#FF7383", "#8AB8FF", "#C8F2C2"),
)
THRESHOLD_COLOURS: Final = {
    "green": "#73BF69",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
}
PAGE, PANEL, EDGE, TEXT, FAINT = "#111217", "#181B1F", "#2C3235", "#CCCCDC", "#8E8E9A"
HEAT: Final = LinearSegmentedColormap.from_list("heat", [PANEL, "#1F4E8C", "#5794F2", "#DCE9FF"])
COLUMN_IN, ROW_IN = 0.5, 0.26
DPI: Final = 80
MOST_LEGENDS: Final = 6
_LABEL: Final = re.compile(r"\{\{ *(\w+) *\}\}")


def draw(
    dashboard: Dashboard, returned: Returned, began_s: float, ended_s: float, path: Path
) -> None:
    """Draw a dashboard to a PNG file.

    Args:
        dashboard: the dashboard.
        returned: results of its queries.
        began_s, ended_s: Unix times of the range; the x-axis starts at `began_s`.
        path: of the PNG file.
    """
    positions = _positions(dashboard)
    rows = max(top + height for _, top, _, height in positions.values())
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 8, "text.color": TEXT}):
        figure = Figure(figsize=(24 * COLUMN_IN, rows * ROW_IN), facecolor=PAGE)
        grid = GridSpec(rows, 24, figure, left=0, right=1, bottom=0, top=1, wspace=0, hspace=0)
        for panel in dashboard.panels:
            left, top, width, height = positions[panel.title]
            area = figure.add_subplot(grid[top : top + height, left : left + width])
            _draw_panel(area, panel, returned, began_s, ended_s - began_s)
        figure.savefig(path, dpi=DPI, facecolor=PAGE, pil_kwargs={"optimize": True})


def _positions(dashboard: Dashboard) -> dict[str, tuple[int, int, int, int]]:
    """Position of each panel in Grafana's grid: left, top, width, height."""
    positions, top = {}, 0
    for row in dashboard.rows:
        left, tallest = 0, 0
        for panel in row.panels:
            height = HEIGHTS[panel.kind]
            if left + panel.width > 24:
                left, top, tallest = 0, top + tallest, 0
            positions[panel.title] = (left, top, panel.width, height)
            left, tallest = left + panel.width, max(tallest, height)
        top += tallest
    return positions


def _draw_panel(
    area: Axes, panel: Panel, returned: Returned, began_s: float, lasted_s: float
) -> None:
    area.set_facecolor(PAGE)
    area.axis("off")
    inset = 0.06 / panel.width
    box = mpl.patches.FancyBboxPatch(
        (inset, 0.02), 1 - 2 * inset, 0.96, "square,pad=0", fc=PANEL, ec=EDGE, lw=0.8,
        transform=area.transAxes,
    )  # fmt: skip
    area.add_patch(box)
    title_y = 1 - 0.55 / HEIGHTS[panel.kind]
    area.text(
        2.5 * inset + 0.005, title_y, panel.title, transform=area.transAxes,
        va="center", fontsize=8.5, fontweight="bold",
    )  # fmt: skip
    named = [
        (_name(query.legend, one), one)
        for query in panel.queries
        for one in returned[panel.title, query.legend]
    ]
    if panel.kind is PanelKind.STAT:
        _stat(area, panel, named)
    elif panel.kind is PanelKind.HEATMAP:
        _heatmap(_plot(area, panel, lasted_s), panel, named, began_s)
    else:
        _lines(_plot(area, panel, lasted_s), panel, named, began_s)


def _name(legend: str, series: Mapping[str, Any]) -> str:
    return _LABEL.sub(lambda label: series["metric"].get(label[1], ""), legend)


def _plot(area: Axes, panel: Panel, lasted_s: float) -> Axes:
    """Axes of the plot within its panel."""
    left = 1.25 / panel.width
    bottom = 0.31 if any(query.legend for query in panel.queries) else 0.14
    if panel.kind is PanelKind.HEATMAP:
        bottom = 0.14
    axes = area.inset_axes((left, bottom, 1 - left - 0.25 / panel.width, 0.84 - bottom))
    axes.set_xlim(0, lasted_s)
    axes.set_facecolor(PANEL)
    axes.tick_params(colors=FAINT, length=0, labelsize=7)
    axes.tick_params(axis="x", pad=5)
    axes.grid(color=EDGE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{s:g} s"))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return axes


def _samples(series: Mapping[str, Any], began_s: float) -> tuple[np.ndarray, np.ndarray]:
    times = np.array([float(time_s) for time_s, _ in series["values"]]) - began_s
    return times, np.array([float(value) for _, value in series["values"]])


def _lines(
    axes: Axes, panel: Panel, named: Sequence[tuple[str, Mapping[str, Any]]], began_s: float
) -> None:
    below: dict[float, float] = {}
    most, stacked = 0.0, panel.kind is PanelKind.STACK
    for index, (name, series) in enumerate(named):
        times, values = _samples(series, began_s)
        series_values = values
        colour = COLOURS[index % len(COLOURS)]
        label = f"{name}  {_text(values[-1], panel.unit)}" if name else None
        if stacked:
            floor = np.array([below.get(round(at), 0.0) for at in times])
            top = floor + np.nan_to_num(values)
            below.update((round(at), value) for at, value in zip(times, top, strict=True))
            axes.fill_between(times, floor, top, color=colour, alpha=0.35, lw=0)
            values = top
        else:
            axes.fill_between(times, 0, values, color=colour, alpha=0.06, lw=0)
        # A zero in a stack would draw a second line on top of its neighbour's.
        line = np.where(series_values > 0, values, np.nan) if stacked else values
        axes.plot(times, line, color=colour, lw=1.4, label=label)
        most = max(most, float(np.nanmax(values, initial=0.0)))
    for at, colour in panel.thresholds[1:]:
        if at <= 1.6 * most:
            axes.axhline(at, color=THRESHOLD_COLOURS[colour], ls=(0, (4, 3)), lw=0.9)
            most = max(most, at)
    axes.set_ylim(0, 1.15 * most or 1 if panel.axis_max is None else 1.03 * panel.axis_max)
    whole = panel.unit is Unit.COUNT
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=whole))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _text(value, panel.unit)))
    _legend(axes, panel)


def _legend(axes: Axes, panel: Panel) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    axes.legend(
        handles[:MOST_LEGENDS], labels[:MOST_LEGENDS], loc="upper left",
        bbox_to_anchor=(-1.1 / panel.width, -0.14), ncols=max(1, min(3, panel.width // 4)),
        frameon=False, fontsize=7, labelcolor=TEXT, handlelength=1.2, columnspacing=1.2,
        handletextpad=0.5, borderaxespad=0, labelspacing=0.3,
    )  # fmt: skip


def _heatmap(
    axes: Axes, panel: Panel, named: Sequence[tuple[str, Mapping[str, Any]]], began_s: float
) -> None:
    rows = sorted(named, key=lambda one: _bound(one[1]))
    if not rows:
        return
    times = sorted({float(time_s) - began_s for _, one in rows for time_s, _ in one["values"]})
    counts = np.zeros((len(rows), len(times)))
    for index, (_, one) in enumerate(rows):
        at, values = _samples(one, began_s)
        counts[index, np.searchsorted(times, at)] = np.nan_to_num(values)
    counts = np.maximum(np.diff(counts, axis=0, prepend=0), 0)
    axes.grid(visible=False)
    axes.pcolormesh(
        [*times, times[-1] + 1],
        np.arange(len(rows) + 1),
        counts,
        cmap=HEAT,
        edgecolors=PANEL,
        lw=0.4,
    )
    every = max(1, len(rows) // 5)
    bounds = [_bound(one) for _, one in rows]
    ticks = [index for index in range(0, len(rows), every) if math.isfinite(bounds[index])]
    axes.set_yticks([index + 1 for index in ticks])
    axes.set_yticklabels([_text(bounds[index], panel.unit) for index in ticks])


def _bound(series: Mapping[str, Any]) -> float:
    return float(series["metric"]["le"])


def _stat(area: Axes, panel: Panel, named: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for index, (name, series) in enumerate(named):
        value = float(series["values"][-1][1])
        only_name = panel.unit is Unit.VERSION
        shown = name if only_name else _text(value, panel.unit)
        x = (index + 0.5) / len(named)
        area.text(
            x, 0.40, shown, transform=area.transAxes, ha="center", va="center",
            fontsize=10 if only_name else 20, color=_colour(panel, value),
        )  # fmt: skip
        if name and not only_name:
            area.text(
                x, 0.14, name, transform=area.transAxes, ha="center", va="center",
                fontsize=7.5, color=FAINT,
            )  # fmt: skip


def _colour(panel: Panel, value: float) -> str:
    colours = [colour for at, colour in panel.thresholds if value >= at] or ["blue"]
    return THRESHOLD_COLOURS[colours[-1]]


def _text(value: float, unit: Unit) -> str:
    """A value with its unit, formatted as in Grafana."""
    if not math.isfinite(value):
        return "-"
    match unit:
        case Unit.SECONDS if abs(value) < 1:
            return f"{1000 * value:.3g} ms"
        case Unit.SECONDS:
            return f"{value:.3g} s"
        case Unit.SHARE:
            return f"{100 * value:.3g} %"
        case Unit.BYTES:
            return f"{value / 2**20:.3g} MiB"
        case Unit.DECIBEL:
            return f"{value:.3g} dB"
        case Unit.PER_SECOND:
            return f"{value:.3g} /s"
        case Unit.PER_MINUTE:
            return f"{value:.3g} /min"
        case _:
            return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
