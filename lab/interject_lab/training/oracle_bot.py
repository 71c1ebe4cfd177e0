"""A bot for training calls: it knows when the caller speaks, and does not always obey.

A judge that is trained on calls in which the bot stops at the right moment never meets long double
talk, nor the echo of a sentence that was cut for nothing. So this bot stops late or not at all,
lowers its voice at the right and at wrong moments, and is cut off now and then.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from interject_lab.call_record import MEANT_FOR_THE_BOT, Sound
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.telephones.caller import Caller
from media_pod.duplex.contract import TICK_MS, Decision, Pcm

_OBEYS: Final = 0.6
_STOPS_FOR_OTHERS: Final = 0.15
_STOP_MS: Final = (60.0, 900.0)
_DUCKS: Final = 0.8
_DUCK_MS: Final = (20.0, 300.0)
_CUTS_PER_TICK: Final = 1 / 3000
"""Once a minute, for nothing."""
_DUCKS_PER_TICK: Final = 1 / 1500
_DUCK_TICKS: Final = 25


class OracleBot:
    """A `virtual.Bot` that is told of the caller's sounds by the truth.

    Args:
        bot: who speaks.
        caller: the other side; its sounds are known before they arrive on the line.
        sounds: one for each utterance of the caller's plan.
        rng: for what the bot does.
    """

    def __init__(
        self, bot: ScriptedBot, caller: Caller, sounds: Sequence[Sound], rng: np.random.Generator
    ) -> None:
        self._bot, self._caller, self._sounds, self._rng = bot, caller, sounds, rng
        self._heard: int | None = None
        self._ticks = 0
        self._stop_at = -1
        self._duck_at = -1
        self._duck_until = -1

    @property
    def stop_samples(self) -> tuple[int, ...]:
        """See `virtual.Bot.stop_samples`."""
        return self._bot.stop_samples

    def frame(self) -> Pcm:
        """See `virtual.Bot.frame`."""
        return self._bot.frame()

    def decide(self, decision: Decision) -> None:
        """Take the tick; the bank's decision counts for nothing."""
        self._ticks += 1
        saying = self._caller.saying
        if saying is not None and saying != self._heard:
            self._plan(self._sounds[saying])
        self._heard = saying
        if self._rng.random() < _DUCKS_PER_TICK:
            self._duck_at = self._ticks
            self._duck_until = self._ticks + int(self._rng.integers(1, _DUCK_TICKS))
        self._bot.decide(self._decision(saying is not None))

    def _plan(self, sound: Sound) -> None:
        obeys = _OBEYS if sound.kind in MEANT_FOR_THE_BOT else _STOPS_FOR_OTHERS
        if self._rng.random() < obeys:
            self._stop_at = self._ticks + self._in_ticks(_STOP_MS)
        if self._rng.random() < _DUCKS:
            self._duck_at = self._ticks + self._in_ticks(_DUCK_MS)
            self._duck_until = self._duck_at + int(self._rng.integers(5, 3 * _DUCK_TICKS))

    def _decision(self, caller_talks: bool) -> Decision:
        stopped = self._stop_at >= 0 and self._ticks >= self._stop_at
        if stopped and not caller_talks:
            self._stop_at = -1
        if stopped or self._rng.random() < _CUTS_PER_TICK:
            return Decision.CALLER
        ducks = self._duck_at <= self._ticks < self._duck_until
        return Decision.ONSET if ducks else Decision.NONE

    def _in_ticks(self, span_ms: tuple[float, float]) -> int:
        return round(float(self._rng.uniform(*span_ms)) / TICK_MS)
