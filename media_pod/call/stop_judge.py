"""Whether a barge-in was one: what the caller said after it, or that they spoke at all.

Words prove it. Without words (the recognizer knows another language, or the caller mumbles) speech
does, once no echo can explain it: the bot is silent, and what it said before has returned. A stop
without either is suspected to be false.
"""

import math
from typing import Final

from media_pod.call.endpointing import SPEECH
from media_pod.call.events import BargeIn
from media_pod.duplex.contract import TICK_MS, Decision

SPEECH_MS: Final = 300
"""Speech after the stop that proves a caller: a cough or a door is over by then."""
ECHO_TAIL_MS: Final = 100
"""How much longer than its delay the echo of a room or a hybrid lasts."""
LONGEST_ECHO_MS: Final = 1000
"""While the delay is not known: the longest that is searched (`line.maxEchoDelayMs`)."""


class StopJudge:
    """Judges the barge-in that began the caller's turn."""

    def __init__(self) -> None:
        self._stop: BargeIn | None = None
        self._echo_ms = 0.0
        self._since_ms = 0
        self.speech_ms = 0
        """Of the caller, since the stop."""

    def stopped(self, stop: BargeIn | None) -> None:
        """The bot fell silent; None if it cannot have been for nothing."""
        self._stop = stop
        self._since_ms = self.speech_ms = 0
        if stop is not None:
            known = not math.isnan(stop.delay_ms)
            self._echo_ms = stop.delay_ms + ECHO_TAIL_MS if known else LONGEST_ECHO_MS

    def hear(self, speech: float, decision: Decision) -> None:
        """One tick with Silero's probability and the bank's decision, while the bot is silent.

        Both must say speech: after what is left of an echo, Silero's memory can keep it above 0.5
        for half a second of silence.
        """
        self._since_ms += TICK_MS
        heard = decision is Decision.CALLER and speech >= SPEECH
        if self._since_ms > self._echo_ms and heard:
            self.speech_ms += TICK_MS

    def false_stop(self, *, words: bool) -> BargeIn | None:
        """The barge-in, if it is suspected to be false.

        Args:
            words: words or keys of the caller were recognized.
        """
        return None if words or self.speech_ms >= SPEECH_MS else self._stop
