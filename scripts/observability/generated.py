"""The generated files: the chart's dashboards and alerting rules, docs/how-to/observability.md."""

from pathlib import Path
from typing import Final

from observability import alerts, document
from observability.dashboards import DASHBOARDS
from observability.grafana import to_json

CHART_FILES: Final = "charts/interject/files"
DOC: Final = "docs/how-to/observability.md"


def files(root: Path) -> dict[Path, str]:
    """The expected text of each file, by path."""
    made = {
        root / CHART_FILES / "dashboards" / f"{dashboard.uid}.json": to_json(dashboard)
        for dashboard in DASHBOARDS
    }
    made[root / CHART_FILES / "alerts.yaml"] = alerts.to_yaml()
    doc = root / DOC
    made[doc] = document.put_in(doc.read_text(), document.panels(), document.alerts())
    return made
