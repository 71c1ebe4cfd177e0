"""The dashboards' figures of right now, for a terminal."""

from collections.abc import Iterator
from typing import Final

from observability.dashboards import DASHBOARDS
from observability.model import Dashboard, Panel, PanelKind, Unit, fill
from rig.observers import Prometheus

RANGE: Final = "2m"
"""A call lasts a minute."""
MOST_SERIES: Final = 4
EVERYTHING: Final = ".*"
_FORMATS: Final = {
    Unit.COUNT: "{:.0f}",
    Unit.SHARE: "{:.1%}",
    Unit.SECONDS: "{:.3f} s",
    Unit.BYTES: "{:.3g} B",
    Unit.PER_SECOND: "{:.2f}/s",
    Unit.PER_MINUTE: "{:.2f}/min",
    Unit.DECIBEL: "{:.1f} dB",
    Unit.CORES: "{:.2f}",
}


def as_text(prometheus: Prometheus) -> str:
    """A line for each panel but the heatmaps, under the titles of their dashboards."""
    return "\n".join(line for board in DASHBOARDS for line in _board(board, prometheus))


def _board(board: Dashboard, prometheus: Prometheus) -> Iterator[str]:
    yield board.title
    for panel in board.panels:
        if panel.kind is not PanelKind.HEATMAP:
            yield f"  {panel.title:34} {_panel(board, panel, prometheus)}"


def _panel(board: Dashboard, panel: Panel, prometheus: Prometheus) -> str:
    values = {variable.name: EVERYTHING for variable in board.variables}
    values |= {"__rate_interval": RANGE, "__range": RANGE}
    shown = []
    for query in panel.queries:
        for labels, value in prometheus.now(fill(query.expr, values)):
            name = query.legend
            for label, value_of in labels.items():
                name = name.replace(f"{{{{{label}}}}}", value_of)
            number = _FORMATS.get(panel.unit, "{:.3g}").format(value)
            shown.append(f"{name} {number}".strip())
    more = len(shown) - MOST_SERIES
    return "; ".join(shown[:MOST_SERIES]) + (f"; {more} more" if more > 0 else "") or "-"
