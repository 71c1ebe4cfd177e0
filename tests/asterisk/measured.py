"""What the cases on the real Asterisk measured: kept while they run, printed when all are over."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from interject_lab.bench.tick import cpu_model
from interject_lab.reports.markdown import table, write_section

SECTION: Final = "make test-asterisk"
"""Of docs/explanation/measurements.md."""


@dataclass(slots=True)
class Measured:
    """The rows of the table."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def row(self, case: str, what: str, value: str) -> None:
        """One figure: of which case, what it is, and the figure with its unit."""
        self.rows.append((case, what, value))

    def markdown(self) -> str:
        """The table; of rows with the same case, the first alone names it."""
        before = ["", *(case for case, _, _ in self.rows)]
        rows = [
            ("" if case == last else case, what, value)
            for (case, what, value), last in zip(self.rows, before, strict=False)
        ]
        return table(("case", "measured", "value"), rows)


def report(
    measured: Measured,
    reporter: pytest.TerminalReporter,
    config: pytest.Config,
    command: str,
    on: str,
) -> None:
    """Print the table if there is one, and write it to the document that `--doc` names.

    Args:
        command: that made it, also the name of the document's section.
        on: what it was measured on.
    """
    if not measured.rows:
        return
    made = f"Made by `{command}` on {os.cpu_count()} cores of {cpu_model()}."
    text = f"{made}\n\n{measured.markdown()}"
    reporter.section(f"measured on the real {on}")
    reporter.write_line(text)
    if doc := config.getoption("--doc"):
        write_section(Path(doc), command, text)


def spread(values_ms: list[float]) -> str:
    """p50 / p95 / max of times in ms, with their number."""
    if not values_ms:
        return "-"
    ordered = sorted(values_ms)
    p50, p95 = (ordered[min(round(q * (len(ordered) - 1)), len(ordered) - 1)] for q in (0.5, 0.95))
    return f"{p50:.0f} / {p95:.0f} / {ordered[-1]:.0f} ms (n = {len(ordered)})"
