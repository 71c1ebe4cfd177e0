"""Whole calls in closed loop on a virtual clock, as many at once as the bank has slots.

One tick of the lab is one tick of a pod: every bot's frame leaves, every caller's frame is taken,
the bank steps once, decisions reach the bots. No event loop and no real time: a run is as fast as
the arrays allow and repeatable from the seeds that its lines were made with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interject_lab.errors import LabError
from interject_lab.network.levels import is_sound
from interject_lab.network.line import Line
from interject_lab.telephones.caller import Caller
from interject_lab.telephones.record import CallRecord, Trace
from interject_lab.virtual.bot import ScriptedBot
from media_pod.duplex.contract import TICK_MS, Decision, DuplexBank, Pcm, Step

_TICK_NS = TICK_MS * 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class VirtualCall:
    """Who takes part in one call. All three have state: make them anew for every run."""

    line: Line
    caller: Caller
    bot: ScriptedBot


@dataclass(frozen=True, slots=True, eq=False)
class VirtualResult:
    """One call that has been run."""

    record: CallRecord
    trace: Trace
    stop_samples: tuple[int, ...]
    """Where in `record.bot` the bot was cut short: the first sample of each silence."""


def run(bank: DuplexBank, calls: Sequence[VirtualCall], duration_s: float) -> list[VirtualResult]:
    """Run `calls` in the first slots of `bank` for `duration_s`; results in the order of `calls`.

    The slots are opened before and closed after.

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
    for slot in range(len(calls)):
        bank.open(slot)
    for _ in range(round(duration_s * 1000 / TICK_MS)):
        for slot, call in enumerate(calls):
            played[slot] = call.bot.frame()
            near = call.caller.step(is_sound(played[slot]))
            caller[slot] = call.line.step(played[slot], near)
        step = bank.step(caller, played)
        for slot, call in enumerate(calls):
            call.bot.decide(Decision(int(step.decision[slot])))
            tapes[slot].keep(caller[slot], played[slot], step, slot)
    for slot in range(len(calls)):
        bank.close(slot)
    return [tape.result() for tape in tapes]


class _Tape:
    """Keeps what happens in one call; as long as the run, which is bounded by its duration."""

    def __init__(self, call: VirtualCall) -> None:
        self._call = call
        self._caller: list[Pcm] = []
        self._bot: list[Pcm] = []
        self._cleaned: list[Pcm] = []
        self._rows: list[tuple[float, int, int, float, float, float]] = []

    def keep(self, caller: Pcm, played: Pcm, step: Step, slot: int) -> None:
        self._caller.append(caller.copy())
        self._bot.append(played.copy())
        self._cleaned.append(step.cleaned[slot])
        self._rows.append(
            (
                float(step.speech[slot]),
                int(step.decision[slot]),
                int(step.reason[slot]),
                float(step.delay_ms[slot]),
                float(step.delay_confidence[slot]),
                float(step.erle_db[slot]),
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
        return VirtualResult(record, trace, self._call.bot.stop_samples)

    def _trace(self, tick: int) -> Trace:
        rows = np.array(self._rows, np.float32).reshape(len(self._rows), 6)
        delay_at = self._call.line.delay_at
        return Trace(
            caller=_joined(self._caller),
            played=_joined(self._bot),
            cleaned=_joined(self._cleaned),
            speech=rows[:, 0],
            decision=rows[:, 1].astype(np.int8),
            reason=rows[:, 2].astype(np.int8),
            delay_ms=rows[:, 3],
            delay_confidence=rows[:, 4],
            erle_db=rows[:, 5],
            # Without a network in between, what the pod sees is what the line does.
            true_delay_ms=np.array([delay_at(i * tick) for i in range(len(rows))], np.float32),
        )


def _joined(frames: list[Pcm]) -> Pcm:
    return np.concatenate(frames) if frames else np.zeros(0, np.int16)
