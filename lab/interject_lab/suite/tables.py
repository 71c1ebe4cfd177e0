"""The scores of a bench as a table and as JSON: one row per suite and rule."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, Final

from interject_lab.reports.markdown import number
from interject_lab.scoring.figures import CallRow, rounded
from interject_lab.scoring.suite_scores import Figure, SuiteScores, pool

_HEADER: Final = (
    "suite", "rule", "false/h", "missed %", "duck ms", "stop ms", "kept %", "noise stops %",
    "false ducks/h", "locked %", "delay error ms", "relock ms", "ERLE dB", "caller lost dB",
    "bot h",
)  # fmt: skip


def pooled(rows: Sequence[CallRow]) -> list[SuiteScores]:
    """The scores by suite and rule, in the order of `rows`."""
    return [pool(list(group)) for _, group in groupby(rows, lambda row: (row.suite, row.rule))]


def as_table(scores: Sequence[SuiteScores]) -> tuple[list[str], list[list[str]]]:
    """Header and rows."""
    return list(_HEADER), [_cells(each) for each in scores]


def as_json(scores: Sequence[SuiteScores]) -> list[dict[str, Any]]:
    """One object per suite and rule; figures with their intervals, rounded to hundredths."""
    return [
        {
            **{key: value for key, value in asdict(each).items() if key != "figures"},
            **{name: _figure_json(figure) for name, figure in each.figures.items()},
        }
        for each in scores
    ]


def _figure_json(figure: Figure) -> dict[str, float | int | None]:
    return {
        "value": rounded(figure.value, 2),
        "low": rounded(figure.low, 2),
        "high": rounded(figure.high, 2),
        "count": figure.count,
    }


def _cells(scores: SuiteScores) -> list[str]:
    of = scores.figures
    return [
        scores.suite,
        scores.rule,
        _with_interval(of["false_per_hour"]),
        _with_interval(of["missed_percent"]),
        _pair(of["duck_p50_ms"], of["duck_p95_ms"]),
        _pair(of["stop_p50_ms"], of["stop_p95_ms"]),
        _with_interval(of["backchannels_kept_percent"], 0),
        _with_interval(of["stops_per_noise_percent"], 0),
        number(of["false_ducks_per_hour"].value, 0),
        number(of["locked_percent"].value, 1),
        number(of["delay_error_p95_ms"].value, 1),
        _pair(of["relock_p50_ms"], of["relock_p95_ms"]),
        number(of["erle_db"].value, 1),
        number(of["near_loss_db"].value, 1),
        number(scores.bot_alone_h, 1),
    ]


def _with_interval(figure: Figure, digits: int = 1) -> str:
    if figure.value is None:
        return "-"
    ends = f"{number(figure.low, digits)}, {number(figure.high, digits)}"
    return f"{number(figure.value, digits)} [{ends}]"


def _pair(middle: Figure, high: Figure) -> str:
    if middle.value is None:
        return "-"
    return f"{number(middle.value)} / {number(high.value)}"
