"""The learned judge: features, networks and the stop rule, behind the interface of a detector."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Decision, Reason
from media_pod.duplex.decision.detector import (
    ONSET_ABOVE,
    Detection,
    Evidence,
    why_caller,
    why_not,
)
from media_pod.duplex.decision.judge.attribution import Attribution, Contributions
from media_pod.duplex.decision.judge.features import FeatureExtractor
from media_pod.duplex.decision.judge.network import Ensemble
from media_pod.duplex.decision.judge.stop_rule import StopTest, voice_logit
from media_pod.duplex.decision.judge.weights import PACKAGED, JudgeWeights, load

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_LOSS_TICKS: Final = 200 // TICK_MS
"""Longest run of lost frames that the networks should see as one."""


class LearnedDetector:
    """Decides for every slot by networks; its reasons claim no more than the evidence does."""

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
        rule = replace(weights.rule, bias=weights.rule.bias + threshold_bias)
        self._features = FeatureExtractor(slots)
        self._ensemble = Ensemble(weights.networks, slots)
        self._attribution = Attribution(slots)
        self._speech_bias = np.float32(rule.speech_bias)
        self._test = StopTest(slots, rule, keep_backchannels=keep_backchannels)
        self._reason = np.zeros(slots, np.int8)
        self._silence_ticks = np.zeros(slots, np.intp)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        for part in (self._features, self._ensemble, self._attribution, self._test):
            part.reset(slot)
        self._silence_ticks[slot] = 0

    def step(self, evidence: Evidence) -> Detection:
        """Take one tick of every slot.

        Raises:
            ValueError: the evidence has no signals.
        """
        features = self._features.step(evidence)
        held = self._without_audio(evidence)
        voice, turn = self._read(self._ensemble.step(features, held))
        rise = self._test.step(
            voice,
            turn,
            evidence.predicted.reference_at_any_lag,
            self._features.echo_may_return,
        )
        if rise.any():
            self._reason[rise] = why_caller(evidence, Reason.SPEECH_NO_LOCK)[rise]
        why = {slot: self._explain(slot, features, voice) for slot in np.flatnonzero(rise).tolist()}
        self._attribution.follow(features)
        onset = np.where(self._test.sum > ONSET_ABOVE, Decision.ONSET, Decision.NONE)
        return Detection(
            decision=np.where(self._test.on, Decision.CALLER, onset).astype(np.int8),
            reason=np.where(self._test.on, self._reason, why_not(evidence, self._test.ratio)),
            why=why,
        )

    def _without_audio(self, evidence: Evidence) -> Flags:
        """[slots] where a telephone has sent nothing for a while.

        The networks learned from lost frames, not from a telephone that is silent for seconds and
        comes back with an echo: one of 16 such echoes stopped the bot. Held, they go on from there.
        """
        digital_silence = evidence.signals is not None and evidence.signals.digital_silence
        self._silence_ticks = np.where(digital_silence, self._silence_ticks + 1, 0)
        return np.asarray(self._silence_ticks > _LOSS_TICKS)

    def _explain(self, slot: int, features: Floats, voice: Floats) -> Contributions:
        return self._attribution.explain(slot, features, float(voice[slot]), self._voice_again)

    def _voice_again(self, features: Floats, slots: NDArray[np.intp]) -> Floats:
        return self._read(self._ensemble.again(features, slots))[0]

    def _read(self, logits: Floats) -> tuple[Floats, Floats]:
        """[rows] logits of a voice at the caller's end, and of its taking the turn."""
        # Contiguous: NumPy's functions may round strided values differently.
        near, speech, turn = np.ascontiguousarray(logits.T)
        return voice_logit(near, speech + self._speech_bias), turn
