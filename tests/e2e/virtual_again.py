"""A call of a pod once more on the virtual clock: the same line, caller, sentences and network.

The network between a pod and its telephone is taken from the call's own record, frame by frame.
The bot's sentences start when the pod's did, because that is up to the conversation; where they
end is up to the bank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from recorded_bank import Fed

from interject_lab.call_record import NOTHING, UNDERRUN, CallRecord
from interject_lab.network.levels import is_sound
from interject_lab.scoring.truth import NOWHERE, locate
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.suite.draw import SuiteCall
from interject_lab.telephones.caller import Caller
from interject_lab.virtual import VirtualCall, VirtualResult, run
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import TICK_MS, Decision, Pcm, Step

_NEVER_S: Final = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Which frames came when, between a pod and its telephone."""

    sent: NDArray[np.int64]
    """[frames of the bot] the tick of the pod in which each was sent; a tick that the pod missed
    sent none."""
    heard: NDArray[np.int64]
    """[ticks of the telephone] the tick of the pod whose frame it played; `NOTHING` for none."""
    taken: NDArray[np.int64]
    """[ticks of the pod] the tick of the telephone whose frame it received; `NOTHING` for none."""

    @classmethod
    def of(cls, fed: Fed, record: CallRecord) -> "Network":
        """That of a call."""
        tick = record.tick_samples
        sent = _sent(np.concatenate(fed.played), record)
        heard, taken = record.bot_played_sample, locate(record.caller, np.concatenate(fed.caller))
        return cls(
            sent,
            np.where(heard == UNDERRUN, NOTHING, sent[heard // tick]),
            np.where(taken == NOWHERE, NOTHING, taken // tick),
        )


def _sent(played: Pcm, record: CallRecord) -> NDArray[np.int64]:
    """[frames] the ticks in which a frame of `played`, [ticks, tick], reached the telephone.

    Missed ticks move what follows later in `played`. They are silent, and which ticks of a silence
    they were makes no difference, as long as no frame is heard before it is sent: the last ones.
    """
    received = locate(record.bot, played)
    sent, missed, last = np.ones(len(played), np.bool_), 0, 0
    for row in np.flatnonzero(received != NOWHERE):
        moved = int(row - received[row] // record.tick_samples)
        silent = last + np.flatnonzero(~played[last:row].any(axis=1))
        sent[silent[max(silent.size - (moved - missed), 0) :]] = False
        missed, last = moved, int(row) + 1
    return np.flatnonzero(sent)


class FarTelephone:
    """The line and the caller of a call at the other end of a network; a `virtual.Line`."""

    near_tick = NOTHING

    def __init__(self, call: SuiteCall, network: Network) -> None:
        self._call, self._network = call, network
        self.rate_hz = call.line.rate_hz
        self._silence = np.zeros(self.rate_hz * TICK_MS // 1000, np.int16)
        self._played: list[Pcm] = []
        self._sent: list[Pcm] = []

    def step(self, bot_frame: Pcm, near_frame: Pcm) -> Pcm:
        """What the pod receives in its tick; `near_frame` is not used: the caller is far."""
        wanted = int(self._network.taken[len(self._played)])
        self._played.append(bot_frame.copy())
        while len(self._sent) <= wanted:
            self._tick()
        return self._silence if wanted == NOTHING else self._sent[wanted]

    def _tick(self) -> None:
        row = int(self._network.heard[len(self._sent)])
        frame = self._silence if row == NOTHING else self._played[row]
        near = self._call.caller.step(is_sound(frame))
        self._sent.append(self._call.line.step(frame, near))

    def delay_at(self, sample: int) -> float:
        """That of the line alone."""
        return self._call.line.delay_at(sample)


class SlippingBank(Bank):
    """A bank with the slips of the pod's."""

    def __init__(self, rate_hz: int, slips: Sequence[NDArray[np.int32] | None]) -> None:
        super().__init__(1, rate_hz)
        self._slips = iter(slips)

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        return super().step(caller, played, next(self._slips))


class BotAtTicks:
    """Says each sentence from a given tick on; in all else the bot of the suites."""

    def __init__(
        self, sentences: Sequence[tuple[int, Pcm]], sent: NDArray[np.int64], rate_hz: int
    ) -> None:
        self._sent = sent
        self._silence = np.zeros(rate_hz * TICK_MS // 1000, np.int16)
        self._tick = 0
        self._bots = [
            ScriptedBot(
                [pcm],
                rate_hz,
                start_s=int(np.searchsorted(sent, tick)) * TICK_MS / 1000,
                pause_s=_NEVER_S,
                quiet_s=0.0,
            )
            for tick, pcm in sentences
        ]

    @property
    def stop_samples(self) -> tuple[int, ...]:
        tick = self._silence.size
        stops = sorted(sample // tick for bot in self._bots for sample in bot.stop_samples)
        return tuple(int(self._sent[stop]) * tick for stop in stops)

    def frame(self) -> Pcm:
        missed = self._tick not in self._sent
        self._tick += 1
        if missed:
            return self._silence
        frame = self._silence.copy()
        for bot in self._bots:
            frame += bot.frame()
        return frame

    def decide(self, decision: Decision) -> None:
        for bot in self._bots:
            bot.decide(decision)


def run_again(
    call: SuiteCall, fed: Fed, record: CallRecord, sentences: Sequence[tuple[int, Pcm]]
) -> VirtualResult:
    """Run `call`, freshly drawn, as the pod had it.

    Args:
        call: the line and the caller.
        fed: what the pod's bank got.
        record: the telephone's.
        sentences: of the bot: the tick of the pod in which each began, and its audio.
    """
    rate_hz = call.line.rate_hz
    network = Network.of(fed, record)
    bot = BotAtTicks(sentences, network.sent, rate_hz)
    nobody = Caller((), rate_hz)
    virtual = VirtualCall(FarTelephone(call, network), nobody, bot, fed.phase)
    duration_s = len(fed.steps) * TICK_MS / 1000
    (result,) = run(SlippingBank(rate_hz, fed.slipped), [virtual], duration_s)
    return result
