"""Three arrangements over eighteen kinds of line, on the virtual clock."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.material import Material
from interject_lab.rules.baselines import ARRANGEMENTS, Arrangement
from interject_lab.scoring.findings import Failure, Figures, Findings, examine, pool
from interject_lab.sweep.conditions import CONDITIONS, Condition, make_call
from interject_lab.virtual.calls import run
from media_pod.duplex.contract import TICK_MS, DuplexBank, Pcm, Step

RATE_HZ: Final = 8000
CALLS_PER_BANK: Final = 4
"""Of each condition; more take turns in the bank, which keeps what must be remembered bounded."""

Say = Callable[[str], None]
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run; the same plan with the same material gives the same figures."""

    calls: int
    """Per condition."""
    duration_s: float
    """Of each call."""
    seed: int
    conditions: tuple[Condition, ...] = CONDITIONS

    @property
    def clock_s(self) -> float:
        """How far the virtual clock of each arrangement runs."""
        return -(-self.calls // CALLS_PER_BANK) * self.duration_s


@dataclass(frozen=True, slots=True)
class Row:
    """What one arrangement made of one condition."""

    condition: Condition
    figures: Figures
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one arrangement made of all of them."""

    name: str
    rows: tuple[Row, ...]
    all: Figures


def sweep(plan: Plan, material: Material, say: Say, progress: Progress) -> list[Swept]:
    """Run every condition against every arrangement, on the same lines with the same callers.

    Args:
        plan: how much.
        material: who speaks.
        say: told each step, in words.
        progress: told how far an arrangement has come, of `Plan.clock_s`.
    """
    swept = []
    for arrangement in ARRANGEMENTS.values():
        total = plan.calls * len(plan.conditions)
        say(f"{arrangement.name}: {total} calls of {plan.duration_s:g} s")
        swept.append(_sweep_one(arrangement, plan, material, progress))
    return swept


def as_json(plan: Plan, swept: Sequence[Swept]) -> dict[str, Any]:
    """The stable form; keys have their units."""
    return {
        "seed": plan.seed,
        "calls_per_condition": plan.calls,
        "call_duration_s": plan.duration_s,
        "arrangements": [
            {
                "name": one.name,
                "conditions": [_row_json(row) for row in one.rows],
                "all": one.all.as_dict(),
            }
            for one in swept
        ],
    }


def _row_json(row: Row) -> dict[str, Any]:
    failures = [asdict(failure) for failure in row.failures]
    return {**asdict(row.condition), **row.figures.as_dict(), "failures": failures}


def _sweep_one(
    arrangement: Arrangement, plan: Plan, material: Material, progress: Progress
) -> Swept:
    findings: dict[Condition, list[Findings]] = defaultdict(list)
    for first in range(0, plan.calls, CALLS_PER_BANK):
        numbers = range(first, min(first + CALLS_PER_BANK, plan.calls))
        places = [(condition, call) for condition in plan.conditions for call in numbers]
        calls = [
            make_call(
                condition, material, RATE_HZ, plan.duration_s, _rng(plan.seed, condition, call)
            )
            for condition, call in places
        ]
        before_s = first // CALLS_PER_BANK * plan.duration_s
        bank = _Watched(arrangement.bank(len(calls), RATE_HZ), progress, before_s)
        results = run(bank, calls, plan.duration_s)
        for (condition, call), result in zip(places, results, strict=True):
            findings[condition].append(examine(call, result))
    rows = tuple(
        Row(condition, pool(found), tuple(failure for call in found for failure in call.failures))
        for condition, found in findings.items()
    )
    everything = pool([call for found in findings.values() for call in found])
    return Swept(arrangement.name, rows, everything)


def _rng(seed: int, condition: Condition, call: int) -> np.random.Generator:
    return np.random.default_rng([seed, CONDITIONS.index(condition), call])


class _Watched:
    """A bank that tells how far it has come, once a second of its own time."""

    def __init__(self, bank: DuplexBank, progress: Progress, before_s: float) -> None:
        self._bank, self._progress = bank, progress
        self._ticks = 0
        self._before_s = before_s
        self.slots, self.rate = bank.slots, bank.rate

    def open(self, slot: int) -> None:
        self._bank.open(slot)

    def close(self, slot: int) -> None:
        self._bank.close(slot)

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        self._ticks += 1
        if self._ticks * TICK_MS % 1000 == 0:
            self._progress(self._before_s + self._ticks * TICK_MS / 1000)
        return self._bank.step(caller, played, slipped)
