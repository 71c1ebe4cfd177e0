"""Whole calls in closed loop on a virtual clock, as many at once as the bank has slots.

One tick of the lab is one tick of a pod: each bot sends a frame, each caller sends a frame, the
bank steps once, and the bots receive its decisions. No event loop and no real time: a run is as
fast as the arrays allow, and repeatable from the seeds of its lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from interject_lab.call_record import BankTrace, CallRecord
from interject_lab.errors import LabError
from interject_lab.network.levels import is_sound
from interject_lab.telephones.caller import TelephoneUser
from media_pod.duplex.contract import TICK_MS, Decision, DuplexBank, Pcm, Step

_TICK_NS = TICK_MS * 1_000_000


class Line(Protocol):
    """What is between the bot and the caller; see `network.line.TelephoneLine`."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def near_tick(self) -> int:
        """The tick of the caller that the last returned frame carries; `NOTHING` for none."""

    def step(self, bot_frame: Pcm, near_frame: Pcm) -> Pcm:
        """One tick: takes int16 [tick] of the bot and of the caller, returns the bank's input."""

    def delay_at(self, sample: int) -> float:
        """The true delay of the echo in sample `sample` of the returned frames, ms."""


class Bot(Protocol):
    """Who speaks to the caller."""

    @property
    def stop_samples(self) -> tuple[int, ...]:
        """Where in the played stream the bot was cut short: the first sample of each fade."""

    def frame(self) -> Pcm:
        """What leaves for the caller in this tick, int16 [tick]."""

    def decide(self, decision: Decision) -> None:
        """Take the bank's decision of this tick."""


@dataclass(frozen=True, slots=True, eq=False)
class VirtualCall:
    """Who takes part in one call. All three have state: make them anew for every run."""

    line: Line
    caller: TelephoneUser
    bot: Bot
    phase: int = 0
    """Of the call in its bank."""


@dataclass(frozen=True, slots=True, eq=False)
class VirtualResult:
    """One call that has been run."""

    record: CallRecord
    trace: BankTrace
    stop_samples: tuple[int, ...]
    """Where in `record.bot` the bot was cut short: the first sample of each fade."""
    near: Pcm
    """int16 [ticks * tick], the caller's own sound, before the line."""


def run(
    bank: DuplexBank,
    calls: Sequence[VirtualCall],
    duration_s: float,
    on_tick: Callable[[int], None] = lambda tick: None,
) -> list[VirtualResult]:
    """Run `calls` in the first slots of `bank` for `duration_s`; results in the order of `calls`.

    The slots are opened before and closed after. `on_tick` is called after each tick, with its
    number.

    Raises:
        LabError: more calls than slots, or a line of another rate than the bank's.
    """
    if len(calls) > bank.slots:
        raise LabError(f"{len(calls)} calls for a bank of {bank.slots} slots: make it larger")
    for call in calls:
        if call.line.rate_hz != bank.rate:
            raise LabError(f"a line at {call.line.rate_hz} Hz, a bank at {bank.rate} Hz")
    tapes = [_Tape(call) for call in calls]
    played = np.zeros((bank.slots, bank.rate * TICK_MS // 1000), np.int16)
    caller = np.zeros_like(played)
    for slot, call in enumerate(calls):
        bank.open(slot, call.phase)
    for tick in range(round(duration_s * 1000 / TICK_MS)):
        for slot, call in enumerate(calls):
            played[slot] = call.bot.frame()
            near = call.caller.step(is_sound(played[slot]))
            tapes[slot].keep_near(near)
            caller[slot] = call.line.step(played[slot], near)
        step = bank.step(caller, played)
        for slot, call in enumerate(calls):
            call.bot.decide(Decision(int(step.decision[slot])))
            tapes[slot].keep(caller[slot], played[slot], step, slot)
        on_tick(tick)
    for slot in range(len(calls)):
        bank.close(slot)
    return [tape.result() for tape in tapes]


class _Tape:
    """Keeps what happens in one call; as long as the run, which is bounded by its duration."""

    def __init__(self, call: VirtualCall) -> None:
        self._call = call
        self._near: list[Pcm] = []
        self._caller: list[Pcm] = []
        self._bot: list[Pcm] = []
        self._cleaned: list[Pcm] = []
        self._rows: list[tuple[float, int, int, float, float, float, int]] = []
        self._why: dict[int, tuple[tuple[str, float], ...]] = {}

    def keep_near(self, near: Pcm) -> None:
        self._near.append(near)

    def keep(self, caller: Pcm, played: Pcm, step: Step, slot: int) -> None:
        self._caller.append(caller.copy())
        self._bot.append(played.copy())
        # A bank may hand out what it was given.
        self._cleaned.append(step.cleaned[slot].copy())
        if slot in step.why:
            self._why[len(self._rows)] = step.why[slot]
        self._rows.append(
            (
                float(step.speech[slot]),
                int(step.decision[slot]),
                int(step.reason[slot]),
                float(step.delay_ms[slot]),
                float(step.delay_confidence[slot]),
                float(step.erle_db[slot]),
                self._call.line.near_tick,
            )
        )

    def result(self) -> VirtualResult:
        line = self._call.line
        tick = line.rate_hz * TICK_MS // 1000
        trace = self._trace(tick)
        ticks = len(self._rows)
        times_ns = np.arange(ticks, dtype=np.int64) * _TICK_NS
        record = CallRecord(
            rate_hz=line.rate_hz,
            caller=trace.caller,
            bot=trace.played,
            caller_sent_ns=times_ns,
            bot_arrived_ns=times_ns,
            bot_played_sample=np.arange(ticks, dtype=np.int64) * tick,
            line_delay_ms=trace.true_delay_ms,
            spoken=self._call.caller.spoken,
            ended="the run was over",
        )
        return VirtualResult(record, trace, self._call.bot.stop_samples, _joined(self._near))

    def _trace(self, tick: int) -> BankTrace:
        rows = np.array(self._rows).reshape(len(self._rows), 7)
        delay_at = self._call.line.delay_at
        return BankTrace(
            caller=_joined(self._caller),
            played=_joined(self._bot),
            cleaned=_joined(self._cleaned),
            speech=rows[:, 0].astype(np.float32),
            decision=rows[:, 1].astype(np.int8),
            reason=rows[:, 2].astype(np.int8),
            delay_ms=rows[:, 3].astype(np.float32),
            delay_confidence=rows[:, 4].astype(np.float32),
            erle_db=rows[:, 5].astype(np.float32),
            near_tick=rows[:, 6].astype(np.int64),
            why=self._why,
            # Without a network in between, what the pod sees is what the line does.
            true_delay_ms=np.array([delay_at(i * tick) for i in range(len(rows))], np.float32),
        )


def _joined(frames: list[Pcm]) -> Pcm:
    return np.concatenate(frames) if frames else np.zeros(0, np.int16)
