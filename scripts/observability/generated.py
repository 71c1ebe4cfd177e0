"""All that is generated: dashboards and alert rules of the chart, and their part of the docs."""

from pathlib import Path
from typing import Final

from observability import alerts, document
from observability.dashboards import DASHBOARDS
from observability.grafana import to_json

CHART_FILES: Final = "charts/interject/files"
DOC: Final = "docs/observability.md"


def files(root: Path) -> dict[Path, str]:
    """What each file has to hold, by its path below `root`."""
    made = {
        root / CHART_FILES / "dashboards" / f"{dashboard.uid}.json": to_json(dashboard)
        for dashboard in DASHBOARDS
    }
    made[root / CHART_FILES / "alerts.yaml"] = alerts.to_yaml()
    doc = root / DOC
    made[doc] = document.put_in(doc.read_text(), document.panels(), document.alerts())
    return made
