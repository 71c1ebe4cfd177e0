"""The learned judge: logits of the networks, accumulated by Wald's sequential test.

The sum is that of `SequentialDetector`, with the logit of "a voice at the caller's end" in place of
the rule's log-likelihood ratio. While the bot speaks, a sum above the threshold is not enough to
stop it: the voice must also take the turn, by its turn logit or by lasting, so that "mm hmm" does
not end the bot's sentence. `keep_backchannels=False` stops at once.

A decision belongs to one utterance of the bot. If it is on from before when the bot begins to
speak, it needs fresh evidence or is released, and can then rise again.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Decision
from media_pod.duplex.decision.detector import (
    CALLER_ABOVE,
    MOST_EVIDENCE,
    ONSET_ABOVE,
    PER_TICK,
    RELEASE_BELOW,
    Detection,
    Evidence,
    why_caller,
    why_not,
)
from media_pod.duplex.decision.judge.attribution import Attribution, Contributions
from media_pod.duplex.decision.judge.features import FeatureExtractor
from media_pod.duplex.decision.judge.followed import UnfollowedStops
from media_pod.duplex.decision.judge.network import Ensemble
from media_pod.duplex.decision.judge.weights import PACKAGED, JudgeWeights, load

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_MOST_LOGIT: Final = np.float32(15.0)
_TURN_RATE: Final = np.float32(TICK_MS / 60)
"""Per tick: the turn logit is smoothed over 60 ms."""
_RENEWAL_TICKS: Final = 100 // TICK_MS
_MOST_LEARNED: Final = np.float32(2.0)
"""Most that a call's mistakes add to the bias; each adds 1."""


class LearnedDetector:
    """Decides for every slot by networks; see the module."""

    needs_signals: Final = True

    def __init__(
        self,
        slots: int,
        threshold_bias: float,
        weights: JudgeWeights | None = None,
        *,
        keep_backchannels: bool = True,
    ) -> None:
        """Create a detector.

        Args:
            slots: number of rows.
            threshold_bias: added to the bias of the stop rule in the weights.
            weights: those in the package by default.
            keep_backchannels: whether the bot speaks on through a short "mm hmm".

        Raises:
            JudgeWeightsError, OSError: the package's weights do not load.
        """
        weights = load(PACKAGED) if weights is None else weights
        rule = weights.rule
        self._bias = np.float32(rule.bias + threshold_bias)
        self._turn_threshold = np.float32(rule.turn_threshold)
        self._voice_ticks = round(rule.voice_ms / TICK_MS)
        self._hangover_ticks = round(rule.hangover_ms / TICK_MS)
        self._keep_backchannels = keep_backchannels
        self._features = FeatureExtractor(slots)
        self._ensemble = Ensemble(weights.networks, slots)
        self._attribution = Attribution(slots)
        self._mistakes = UnfollowedStops(slots)
        self._sum = np.zeros(slots, np.float32)
        self._turn = np.zeros(slots, np.float32)
        self._lasted_ticks = np.zeros(slots, np.intp)
        self._quiet_ticks = np.zeros(slots, np.intp)
        self._renewal_ticks = np.zeros(slots, np.intp)
        """Ticks that are left for fresh evidence; 0 when none is needed."""
        self._on = np.zeros(slots, np.bool_)
        self._bot_spoke = np.zeros(slots, np.bool_)
        self._reason = np.zeros(slots, np.int8)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        for part in (self._features, self._ensemble, self._attribution, self._mistakes):
            part.reset(slot)
        for values in (
            self._sum,
            self._turn,
            self._lasted_ticks,
            self._quiet_ticks,
            self._renewal_ticks,
        ):
            values[slot] = 0
        self._on[slot] = self._bot_spoke[slot] = False

    def step(self, evidence: Evidence) -> Detection:
        """Take one tick of every slot.

        Raises:
            ValueError: the evidence has no signals.
        """
        features = self._features.step(evidence)
        near, speech, turn = np.ascontiguousarray(self._ensemble.step(features).T)
        voice = _both(near, speech)
        bot = evidence.predicted.reference_at_any_lag
        self._renew(bot)
        learned = np.minimum(self._mistakes.count, _MOST_LEARNED)
        ratio: Floats = np.clip(voice - (self._bias + learned), *PER_TICK)
        self._sum = np.clip(self._sum + ratio, 0, MOST_EVIDENCE)
        rise = self._decide(turn, bot)
        self._mistakes.step(rise, ratio > 0, self._features.echo_may_return)
        if rise.any():
            self._reason[rise] = why_caller(evidence)[rise]
        why = {slot: self._explain(slot, features, voice) for slot in np.flatnonzero(rise).tolist()}
        self._attribution.follow(features)
        onset = np.where(self._sum > ONSET_ABOVE, Decision.ONSET, Decision.NONE)
        return Detection(
            decision=np.where(self._on, Decision.CALLER, onset).astype(np.int8),
            reason=np.where(self._on, self._reason, why_not(evidence, ratio)),
            why=why,
        )

    def _renew(self, bot: Flags) -> None:
        """The bot begins to speak: evidence from before is void."""
        begins = bot & ~self._bot_spoke
        self._bot_spoke = bot
        self._on = self._on & ~(begins & (self._sum < RELEASE_BELOW))
        held = begins & self._on
        self._renewal_ticks = np.where(held, _RENEWAL_TICKS + 1, self._renewal_ticks)
        self._sum = np.where(held, np.float32(0), self._sum)

    def _decide(self, turn: Floats, bot: Flags) -> Flags:
        """Update the decisions by this tick's sums; [slots] which ones rise to a caller."""
        heard = self._sum >= RELEASE_BELOW
        self._lasted_ticks = np.where(heard, self._lasted_ticks + 1, 0)
        self._quiet_ticks = np.where(heard, 0, self._quiet_ticks + 1)
        self._turn = np.where(heard, self._turn + _TURN_RATE * (turn - self._turn), 0)
        stops = self._sum > CALLER_ABOVE
        if self._keep_backchannels:
            lasted = self._lasted_ticks >= self._voice_ticks
            stops &= ~bot | lasted | (self._turn > self._turn_threshold)
        self._renewal_ticks = np.where(stops, 0, np.maximum(self._renewal_ticks - 1, 0))
        rise = stops & ~self._on
        held = self._on & (self._quiet_ticks < self._hangover_ticks) & (self._renewal_ticks != 1)
        self._on = held | stops
        return rise

    def _explain(self, slot: int, features: Floats, voice: Floats) -> Contributions:
        return self._attribution.explain(slot, features, float(voice[slot]), self._voice_again)

    def _voice_again(self, features: Floats, slots: NDArray[np.intp]) -> Floats:
        near, speech, _ = np.ascontiguousarray(self._ensemble.again(features, slots).T)
        return _both(near, speech)


def _both(one: Floats, other: Floats) -> Floats:
    """Logit of the product of two probabilities, from their logits."""
    one, other = (-np.clip(logit, -_MOST_LOGIT, _MOST_LOGIT) for logit in (one, other))
    both: Floats = -np.log(np.exp(one) + np.exp(other) + np.exp(one + other))
    return both
