"""One Prometheus alerting rule."""

from dataclasses import dataclass
from typing import Any, Final

RUNBOOKS: Final = "docs/runbooks"
"""Prefix of `runbook_url`; the chart replaces it by `alerts.runbookUrl`."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule. Its runbook is the file docs/runbooks/NAME.md."""

    name: str
    expr: str
    pending: str
    """Prometheus' `for`: how long `expr` must hold before the alert fires."""
    severity: str
    summary: str
    description: str

    @property
    def rule(self) -> dict[str, Any]:
        """The rule in the format of a Prometheus rule file."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.pending,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}/{self.name}.md",
            },
        }
