"""Three listening modes over eighteen kinds of line, on the virtual clock; the tables of it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.material.voices import SpeechMaterial
from interject_lab.reports.markdown import number
from interject_lab.rules.baselines import LISTENING_MODES
from interject_lab.rules.registry import Rule
from interject_lab.scoring.pooled_scores import (
    CallMeasurements,
    Failure,
    PooledScores,
    measure_call,
    pool,
)
from interject_lab.sweep.conditions import CONDITIONS, LineCondition, make_call
from interject_lab.virtual import run
from media_pod.duplex.contract import TICK_MS, DuplexBank, Pcm, Step

CALLS_PER_BANK: Final = 4
"""Concurrent calls per condition; more run in turns, which bounds memory."""

OnStep = Callable[[str], None]
OnElapsed = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Size and seed of a sweep; the same plan with the same material repeats its figures."""

    calls: int
    """Per condition."""
    duration_s: float
    """Of each call."""
    seed: int
    conditions: tuple[LineCondition, ...] = CONDITIONS
    rate_hz: int = 8000
    """Of the lines: 8000 or 16000."""

    @property
    def section(self) -> str:
        """The command, by which its table is found in a document."""
        option = "" if self.rate_hz == 8000 else f" --rate {self.rate_hz}"
        return f"interject lab sweep{option}"

    @property
    def clock_s(self) -> float:
        """How far the virtual clock of each listening mode runs."""
        return -(-self.calls // CALLS_PER_BANK) * self.duration_s


@dataclass(frozen=True, slots=True)
class ConditionScores:
    """The scores of one listening mode on one condition."""

    condition: LineCondition
    figures: PooledScores
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class ModeScores:
    """The scores of one listening mode on all conditions."""

    name: str
    rows: tuple[ConditionScores, ...]
    all: PooledScores


def sweep(
    plan: SweepPlan, material: SpeechMaterial, on_step: OnStep, on_elapsed: OnElapsed
) -> list[ModeScores]:
    """Run every condition in every listening mode, on the same lines with the same callers.

    Args:
        plan: the calls.
        material: the voices.
        on_step: receives the description of each step as it starts.
        on_elapsed: receives the current mode's virtual clock in s, up to `SweepPlan.clock_s`.
    """
    swept = []
    for mode in LISTENING_MODES.values():
        total = plan.calls * len(plan.conditions)
        on_step(f"{mode.name}: {total} calls of {plan.duration_s:g} s")
        swept.append(_sweep_one(mode, plan, material, on_elapsed))
    return swept


def as_json(plan: SweepPlan, swept: Sequence[ModeScores]) -> dict[str, Any]:
    """The JSON document; keys have units."""
    return {
        "seed": plan.seed,
        "rate_hz": plan.rate_hz,
        "calls_per_condition": plan.calls,
        "call_duration_s": plan.duration_s,
        "listening_modes": [
            {
                "name": one.name,
                "conditions": [_row_json(row) for row in one.rows],
                "all": one.all.as_dict(),
            }
            for one in swept
        ],
    }


def _row_json(row: ConditionScores) -> dict[str, Any]:
    failures = [asdict(failure) for failure in row.failures]
    return {**asdict(row.condition), **row.figures.as_dict(), "failures": failures}


def _sweep_one(
    mode: Rule, plan: SweepPlan, material: SpeechMaterial, on_elapsed: OnElapsed
) -> ModeScores:
    findings: dict[LineCondition, list[CallMeasurements]] = defaultdict(list)
    for first in range(0, plan.calls, CALLS_PER_BANK):
        numbers = range(first, min(first + CALLS_PER_BANK, plan.calls))
        places = [(condition, call) for condition in plan.conditions for call in numbers]
        calls = [
            make_call(
                condition, material, plan.rate_hz, plan.duration_s, _rng(plan.seed, condition, call)
            )
            for condition, call in places
        ]
        before_s = first // CALLS_PER_BANK * plan.duration_s
        bank = _ReportingBank(mode.bank(len(calls), plan.rate_hz), on_elapsed, before_s)
        results = run(bank, calls, plan.duration_s)
        for (condition, call), result in zip(places, results, strict=True):
            findings[condition].append(
                measure_call(call, result.record, result.trace, result.stop_samples)
            )
    rows = tuple(
        ConditionScores(
            condition, pool(found), tuple(failure for call in found for failure in call.failures)
        )
        for condition, found in findings.items()
    )
    everything = pool([call for found in findings.values() for call in found])
    return ModeScores(mode.name, rows, everything)


def _rng(seed: int, condition: LineCondition, call: int) -> np.random.Generator:
    return np.random.default_rng([seed, CONDITIONS.index(condition), call])


class _ReportingBank:
    """A bank that reports its virtual clock once a second."""

    def __init__(self, bank: DuplexBank, on_elapsed: OnElapsed, before_s: float) -> None:
        self._bank, self._on_elapsed = bank, on_elapsed
        self._ticks = 0
        self._before_s = before_s
        self.slots, self.rate = bank.slots, bank.rate

    def open(self, slot: int, phase: int = 0) -> None:
        self._bank.open(slot, phase)

    def close(self, slot: int) -> None:
        self._bank.close(slot)

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        self._ticks += 1
        if self._ticks * TICK_MS % 1000 == 0:
            self._on_elapsed(self._before_s + self._ticks * TICK_MS / 1000)
        return self._bank.step(caller, played, slipped)


_HEADERS: Final = ("false", "heard / missed", "stop", "delay", "ERLE")


def as_table(swept: Sequence[ModeScores]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: one row per kind of line, the columns of the listening modes side by side.

    Columns without any figures are left out: a mode that does not estimate the delay has no error,
    one that does not cancel has no ERLE.
    """
    header = ["line"]
    for one in swept:
        header += [f"{one.name}: {_HEADERS[0]}", *_shown(one, _HEADERS)[1:]]
    rows = [
        [str(rows[0].condition), *_cells(swept, [row.figures for row in rows])]
        for rows in zip(*(one.rows for one in swept), strict=True)
    ]
    rows.append(["**all**", *_cells(swept, [one.all for one in swept])])
    return header, rows


def notes(swept: Sequence[ModeScores]) -> str:
    """The meaning of the columns, and the amount of speech behind them."""
    speech = ", ".join(f"{one.name} {one.all.bot_speech_s / 60:.0f} min" for one in swept)
    return (
        "False: barge-ins per hour of bot speech while no caller spoke, their number in brackets. "
        "Heard / missed: interruptions. Stop: from the caller's onset to the bot's silence, p50 / "
        "p95 in ms. Delay: error of the delay estimate, p95 in ms while locked. ERLE in dB. "
        f"Bot speech in all calls: {speech}."
    )


def _cells(swept: Sequence[ModeScores], figures: Sequence[PooledScores]) -> list[str]:
    cells: list[str] = []
    for one, found in zip(swept, figures, strict=True):
        cells += _shown(one, _figures(found))
    return cells


def _figures(found: PooledScores) -> tuple[str, ...]:
    p50_ms, p95_ms = found.onset_to_silence_p50_ms, found.onset_to_silence_p95_ms
    return (
        f"{number(found.false_barge_ins_per_hour)} ({found.false_barge_ins})",
        f"{found.heard} / {found.missed}",
        "-" if p50_ms is None else f"{number(p50_ms)} / {number(p95_ms)}",
        number(found.delay_error_p95_ms, 1),
        number(found.erle_db, 1),
    )


def _shown(one: ModeScores, cells: Sequence[str]) -> list[str]:
    hidden = (one.all.delay_error_p95_ms is None, not one.all.erle_db)
    return [*cells[:3], *(cell for cell, hide in zip(cells[3:], hidden, strict=True) if not hide)]
