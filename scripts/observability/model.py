"""Model of a dashboard, independent of its output: Grafana JSON, documentation, or a plot."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """Unit of a panel; the value is Grafana's identifier."""

    COUNT = "short"
    SHARE = "percentunit"
    """0..1"""
    SECONDS = "s"
    BYTES = "bytes"
    PER_SECOND = "cps"
    PER_MINUTE = "cpm"
    DECIBEL = "dB"
    CORES = "none"
    VERSION = "string"


class PanelKind(Enum):
    """Visualization of a panel."""

    LINES = "lines"
    STACK = "stack"
    """Stacked lines."""
    HEATMAP = "heatmap"
    """A single query: the rate of a histogram's buckets, by `le`."""
    STAT = "stat"
    """The latest value as a number."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression.

    It can use the variables of its dashboard, and Grafana's `$__rate_interval` and `$__range`.
    """

    expr: str
    legend: str
    """Legend format with labels in {{}}; "" for a single series without labels."""
    exemplars: bool = False
    """The buckets have exemplars, which link to traces."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    question: str
    """The question that the panel answers; Grafana shows it as the description."""
    unit: Unit
    queries: tuple[Query, ...]
    kind: PanelKind = PanelKind.LINES
    width: int = 12
    """Columns of Grafana's grid, which has 24."""
    thresholds: tuple[tuple[float, str], ...] = ()
    """Pairs of lower bound and colour, ascending."""
    axis_max: float | None = None
    """Upper end of the y-axis; None: automatic."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A dashboard variable: the values of a label."""

    name: str
    label: str
    series: str
    """Series selector; the values of its label `name` are offered."""
    multi: bool = True
    """Several values, or all, can be selected."""
    all_value: str = ".+"
    """What all stands for: a regular expression."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard."""

    uid: str
    """Part of its URL in Grafana; also its file name."""
    title: str
    purpose: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels in order."""
        for row in self.rows:
            yield from row.panels


def fill(expr: str, values: dict[str, str]) -> str:
    """`expr` with its variables replaced, longest names first: `$pods` before `$pod`."""
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(f"${name}", values[name])
    return expr
