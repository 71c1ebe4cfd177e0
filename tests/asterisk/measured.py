"""What the cases on the real Asterisk measured: kept while they run, printed when all are over."""

from dataclasses import dataclass, field
from typing import Final

from media_pod.measure.markdown import table

SECTION: Final = "make test-asterisk"
"""Of docs/measurements.md."""


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


def spread(values_ms: list[float]) -> str:
    """p50 / p95 / max of times in ms, with their number."""
    if not values_ms:
        return "-"
    ordered = sorted(values_ms)
    p50, p95 = (ordered[min(round(q * (len(ordered) - 1)), len(ordered) - 1)] for q in (0.5, 0.95))
    return f"{p50:.0f} / {p95:.0f} / {ordered[-1]:.0f} ms (n = {len(ordered)})"
