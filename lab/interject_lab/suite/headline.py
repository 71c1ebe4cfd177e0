"""The headline table of the report: each suite under each rule, the best of each suite marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from interject_lab.reports.markdown import number
from interject_lab.scoring.suite_scores import QUIETEST_DBFS, Figure, SuiteScores

Better = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of figures."""

    title: str
    meaning: str
    figure: str
    """By its name in `SuiteScores.figures`."""
    better: Better
    digits: int = 0


COLUMNS: Final = (
    Column(
        "false stops per hour",
        "Stops while nobody but the bot was to be heard, per hour of the bot alone.",
        "false_per_hour", "low", 1,
    ),
    Column(
        "missed, %",
        "Interruptions of at least 600 ms, with 800 ms of the bot left, without a stop within "
        f"800 ms of their onset; callers below {QUIETEST_DBFS:g} dBFS do not count.",
        "missed_percent", "low", 1,
    ),
    Column(
        "duck p50, ms",
        "Onset of an interruption that was not missed to the first doubt, which lowers the bot's "
        "voice: median.",
        "duck_p50_ms", "low",
    ),
    Column("duck p95, ms", "The same: 95 % were as fast or faster.", "duck_p95_ms", "low"),
    Column(
        "stop p50, ms",
        "Onset of an interruption that was not missed to the stop of the bot: median.",
        "stop_p50_ms", "low",
    ),
    Column("stop p95, ms", "The same: 95 % were as fast or faster.", "stop_p95_ms", "low"),
    Column(
        "backchannels kept, %",
        "Short sounds of attention (hums, yes) over which the bot rightly spoke on.",
        "backchannels_kept_percent", "high",
    ),
    Column(
        "stops per noise, %",
        "Noises and DTMF digits at the caller's end that stopped the bot.",
        "stops_per_noise_percent", "low",
    ),
    Column(
        "time in lock, %",
        "Share of the echo's time in which the delay is known and within 10 ms of the true one: "
        "mean over calls.",
        "locked_percent", "high", 1,
    ),
    Column(
        "delay error, ms",
        "How far the delay is off while it is locked and there is an echo: p95 of each call, "
        "median over calls.",
        "delay_error_p95_ms", "low", 1,
    ),
    Column(
        "relock p50, ms",
        "Time with echo after a step of the delay until the new one was found: median.",
        "relock_p50_ms", "low",
    ),
    Column(
        "ERLE, dB",
        "Echo return loss enhancement: how much of the echo the canceller took, where there was "
        "only echo: median over calls.",
        "erle_db", "high", 1,
    ),
    Column(
        "caller lost, dB",
        "How much of the caller's level the canceller took in double talk: median over calls.",
        "near_loss_db", "low", 1,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the table."""

    text: str
    interval: str
    """The ends of its 95 % interval; empty without a figure."""
    best: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One rule on one suite."""

    suite: str
    rule: str
    first: bool
    """Of its suite."""
    cells: tuple[Cell, ...]
    bot_alone_h: str


def headline(scores: Sequence[SuiteScores]) -> list[Row]:
    """The rows, in the order of `scores`, which has the rules of a suite one after the other."""
    rows = []
    for _, group in groupby(scores, lambda each: each.suite):
        every = list(group)
        best = [_best(column, every) for column in COLUMNS]
        rows += [
            Row(
                suite=each.suite,
                rule=each.rule,
                first=each is every[0],
                cells=tuple(
                    _cell(column, each.figures[column.figure], text)
                    for column, text in zip(COLUMNS, best, strict=True)
                ),
                bot_alone_h=number(each.bot_alone_h, 2),
            )
            for each in every
        ]
    return rows


def _best(column: Column, scores: Sequence[SuiteScores]) -> str | None:
    """The best figure as it is shown, so that equal figures are marked alike; None among one."""
    values = [each.figures[column.figure].value for each in scores]
    found = [value for value in values if value is not None]
    if len(found) < 2:
        return None
    return number(min(found) if column.better == "low" else max(found), column.digits)


def _cell(column: Column, figure: Figure, best: str | None) -> Cell:
    if figure.value is None:
        # Only a time until something happens can have values and no quantile.
        return Cell("never" if figure.count else "–", "", best=False)
    text = number(figure.value, column.digits)
    low, high = (_end(end, column.digits) for end in (figure.low, figure.high))
    return Cell(text, f"{low} to {high}", best=text == best)


def _end(value: float | None, digits: int) -> str:
    return "never" if value is None else number(value, digits)
