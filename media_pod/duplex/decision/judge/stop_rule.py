"""From logits to decisions: Wald's sequential test, and what a voice over the bot must do besides.

The sum is that of `SequentialDetector`, with the logit of "a voice at the caller's end" in place of
the rule's log-likelihood ratio. While the bot speaks, a sum above the threshold is not enough to
stop it: the voice must also take the turn, by its turn logit or by its duration, so that "mm hmm"
does not end the bot's sentence.

A decision belongs to one utterance of the bot. If it is on from before when the bot begins to
speak, it needs fresh evidence or is released, and can then rise again.

It needs logits and flags alone, so that a rule can be chosen on logits that were recorded once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.decision.detector import (
    MOST_EVIDENCE,
    PER_TICK,
    RELEASE_BELOW,
)
from media_pod.duplex.decision.judge.false_stops import FalseStops

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_MOST_LOGIT: Final = np.float32(15.0)
_TURN_RATE: Final = np.float32(TICK_MS / 60)
"""Per tick: the turn logit is smoothed over 60 ms."""
_RENEWAL_TICKS: Final = 100 // TICK_MS
_MOST_LEARNED: Final = np.float32(2.0)
"""Most that a call's mistakes add to the bias; each adds 1."""


@dataclass(frozen=True, slots=True)
class StopRule:
    """What turns logits into decisions; chosen on validation calls, for one set of networks."""

    bias: float
    """Subtracted from the logit of "a voice at the caller's end" in every tick."""
    speech_bias: float
    """Added to the logit of speech: above 0, a sound that may be a voice counts as one."""
    stop_above: float
    """Evidence, up to 12, above which the bot stops; the first doubt is at 1.5."""
    turn_threshold: float
    """Smoothed turn logit above which a voice over the bot takes the turn at once."""
    voice_ms: float
    """A voice over the bot that lasts so long takes the turn anyway."""
    hangover_ms: float
    """Pause inside a phrase that does not end the decision."""


class StopTest:
    """The rule's state of every slot."""

    def __init__(self, slots: int, rule: StopRule, *, keep_backchannels: bool = True) -> None:
        """Create a test.

        Args:
            slots: number of rows.
            rule: see `StopRule`.
            keep_backchannels: whether the bot speaks on through a short "mm hmm".
        """
        self._bias = np.float32(rule.bias)
        self._stop_above = np.float32(rule.stop_above)
        self._turn_threshold = np.float32(rule.turn_threshold)
        self._voice_ticks = round(rule.voice_ms / TICK_MS)
        self._hangover_ticks = round(rule.hangover_ms / TICK_MS)
        self._keep_backchannels = keep_backchannels
        self._mistakes = FalseStops(slots)
        self.sum = np.zeros(slots, np.float32)
        """[slots] evidence so far, 0..12."""
        self.ratio = np.zeros(slots, np.float32)
        """[slots] evidence of the latest tick, -4..3."""
        self.on = np.zeros(slots, np.bool_)
        """[slots] whether the decision is `Decision.CALLER`."""
        self._turn = np.zeros(slots, np.float32)
        self._lasted_ticks = np.zeros(slots, np.intp)
        self._quiet_ticks = np.zeros(slots, np.intp)
        self._renewal_ticks = np.zeros(slots, np.intp)
        """Ticks that are left for fresh evidence; 0 when none is needed."""
        self._bot_spoke = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._mistakes.reset(slot)
        for values in (
            self.sum,
            self.ratio,
            self._turn,
            self._lasted_ticks,
            self._quiet_ticks,
            self._renewal_ticks,
        ):
            values[slot] = 0
        self.on[slot] = self._bot_spoke[slot] = False

    def step(self, voice: Floats, turn: Floats, bot: Flags, echo: Flags) -> Flags:
        """Take one tick of every slot; [slots] which decisions rise to a caller.

        Args:
            voice: [slots] logit of a voice at the caller's end; see `voice_logit`.
            turn: [slots] logit of its taking the turn.
            bot: [slots] the bot has spoken within the longest delay.
            echo: [slots] the bot speaks, or what it said has not returned yet.
        """
        self._renew(bot)
        learned = np.minimum(self._mistakes.count, _MOST_LEARNED)
        self.ratio = np.clip(voice - (self._bias + learned), *PER_TICK)
        self.sum = np.clip(self.sum + self.ratio, 0, MOST_EVIDENCE)
        heard = self.sum >= RELEASE_BELOW
        self._lasted_ticks = np.where(heard, self._lasted_ticks + 1, 0)
        self._quiet_ticks = np.where(heard, 0, self._quiet_ticks + 1)
        self._turn = np.where(heard, self._turn + _TURN_RATE * (turn - self._turn), 0)
        rise = self._decide(bot)
        self._mistakes.step(rise, self.ratio > 0, echo)
        return rise

    def _renew(self, bot: Flags) -> None:
        """The bot begins to speak: a decision that only the hangover holds ends, and another one
        needs fresh evidence."""
        begins = bot & ~self._bot_spoke
        self._bot_spoke = bot
        self.on = self.on & ~(begins & (self.sum < RELEASE_BELOW))
        held = begins & self.on
        self._renewal_ticks = np.where(held, _RENEWAL_TICKS + 1, self._renewal_ticks)
        self.sum = np.where(held, np.float32(0), self.sum)

    def _decide(self, bot: Flags) -> Flags:
        stops = self.sum > self._stop_above
        if self._keep_backchannels:
            lasted = self._lasted_ticks >= self._voice_ticks
            stops &= ~bot | lasted | (self._turn > self._turn_threshold)
        self._renewal_ticks = np.where(stops, 0, np.maximum(self._renewal_ticks - 1, 0))
        rise = stops & ~self.on
        held = self.on & (self._quiet_ticks < self._hangover_ticks) & (self._renewal_ticks != 1)
        self.on = held | stops
        return rise


def voice_logit(near: Floats, speech: Floats) -> Floats:
    """Logit of the product of two probabilities, from their logits."""
    one, other = (-np.clip(logit, -_MOST_LOGIT, _MOST_LOGIT) for logit in (near, speech))
    both: Floats = -np.log(np.exp(one) + np.exp(other) + np.exp(one + other))
    return both
