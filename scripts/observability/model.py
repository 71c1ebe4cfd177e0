"""What a dashboard is made of, before it is Grafana's JSON, a page of the docs or a plot."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    """Of a panel's values; the value is Grafana's name for it."""

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


class Kind(Enum):
    """How a panel shows what its queries return."""

    LINES = "lines"
    STACK = "stack"
    """Lines on top of each other: parts of a whole."""
    HEATMAP = "heatmap"
    """One query for the increase of a histogram's buckets, by `le`."""
    STAT = "stat"
    """One number, now."""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression.

    The variables of its dashboard, `$__rate_interval` and `$__range` stand in it as Grafana has
    them.
    """

    expr: str
    legend: str
    """With labels in {{}}; "" where there is one series with nothing to tell."""
    exemplars: bool = False
    """Its buckets have exemplars, which link to traces."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    question: str
    """That it answers; shown as its description."""
    unit: Unit
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    width: int = 12
    """In Grafana's grid of 24 columns."""
    limits: tuple[tuple[float, str], ...] = ()
    """From which value on it is drawn in which colour, ascending."""
    most: float | None = None
    """The axis ends here; None: where the values do."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader chooses, from the values of a label; several or all."""

    name: str
    label: str
    series: str
    """Whose `name` labels are offered, as a selector."""
    several: bool = True


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard."""

    uid: str
    """Part of its address in Grafana, and the name of its file."""
    title: str
    purpose: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> Iterator[Panel]:
        """All of them, in their order."""
        for row in self.rows:
            yield from row.panels


def fill(expr: str, values: dict[str, str]) -> str:
    """An expression with its variables replaced, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(f"${name}", values[name])
    return expr
