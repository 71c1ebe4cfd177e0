"""What the cases on a real Kubernetes measured: kept while they run, printed when all are over."""

from typing import Final

from asterisk.measured import Measured, report, spread

SECTION: Final = "make test-cluster"
"""Of docs/explanation/measurements.md."""

__all__ = ["SECTION", "Measured", "report", "spread"]
