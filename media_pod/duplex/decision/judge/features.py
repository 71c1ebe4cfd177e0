"""Features of the learned judge: one row per slot and tick, the same in training and in a pod.

Every feature is scaled by a fixed constant to about -3..3, and clipped there. A row's bits depend
on its slot's evidence alone: there are no matrix products, sums run along rows, and what NumPy may
round by an array's size is looked up in tables.
"""

from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.decision.detector import (
    NORMAL_BIAS,
    Evidence,
    SequentialDetector,
    logit,
)
from media_pod.duplex.decision.judge import envelope, levels, spectral
from media_pod.duplex.decision.judge.columns import Column, joined
from media_pod.duplex.decision.judge.context import (
    BOT,
    CANCELLER,
    DELAY,
    CallContext,
    CancellerFeatures,
)
from media_pod.duplex.decision.judge.false_stops import FalseStops
from media_pod.duplex.decision.judge.timers import log_seconds

Floats = NDArray[np.float32]

VERSION: Final = 5
"""Changes whenever a feature's meaning, place or scale does: a network fits one version."""

_GROUP_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "level over the noise": levels.OVER_NOISE,
    "level over the predicted echo": levels.OVER_ECHO,
    "level over any echo": levels.OVER_ANY_ECHO,
    "envelope correlation": envelope.NAMES,
    "delay tracker": DELAY,
    "canceller and coherence": (*CANCELLER, *spectral.COHERENCE),
    "speech detector": ("speech", "speech_60_ms_ago"),
    "bot and levels": BOT,
    "voice": spectral.VOICE,
    "rule judge": ("rule_sum", "rule_ratio", "rule_false_stops"),
}
NAMES: Final[tuple[str, ...]] = tuple(name for names in _GROUP_NAMES.values() for name in names)
"""Name of each feature."""
FEATURES: Final = len(NAMES)
_ENDS: Final = tuple(accumulate(len(names) for names in _GROUP_NAMES.values()))
GROUPS: Final[dict[str, slice]] = {
    name: slice(end - len(names), end)
    for (name, names), end in zip(_GROUP_NAMES.items(), _ENDS, strict=True)
}
"""Where each group's features are."""

_LIMIT: Final = np.float32(3.0)
_RULE_BIAS: Final = NORMAL_BIAS
"""Of the rule judge inside: fixed, so that a user's sensitivity changes no feature."""
_SUM_SCALE: Final = np.float32(1 / 4)
_LOGIT_SCALE: Final = np.float32(1 / 2)
_SPEECH_AGO_TICKS: Final = 3
"""60 ms: about two windows of Silero."""


class FeatureExtractor:
    """Features of every slot; keeps state per slot."""

    def __init__(self, slots: int) -> None:
        self._rule = SequentialDetector(slots, _RULE_BIAS)
        self._false_stops = FalseStops(slots)
        self._levels = levels.LevelFeatures(slots)
        self._envelope = envelope.EnvelopeCorrelation(slots)
        self._spectral = spectral.SpectralFeatures(slots)
        self._context = CallContext(slots)
        self._canceller = CancellerFeatures(slots)
        self._speech = np.zeros((_SPEECH_AGO_TICKS + 1, slots), np.float32)
        """Logits of the latest ticks, newest first."""
        self._rule_on = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        for part in (
            self._rule,
            self._false_stops,
            self._levels,
            self._envelope,
            self._spectral,
            self._context,
            self._canceller,
        ):
            part.reset(slot)
        self._speech[:, slot] = 0
        self._rule_on[slot] = False

    @property
    def echo_may_return(self) -> NDArray[np.bool_]:
        """[slots] whether the bot speaks, or what it said has not returned yet."""
        return self._context.echo_may_return

    def step(self, evidence: Evidence) -> Floats:
        """Take one tick of every slot; [slots, FEATURES], -3..3.

        Raises:
            ValueError: the evidence has no signals.
        """
        signals = evidence.signals
        if signals is None:
            raise ValueError("evidence without signals; the learned judge needs `Signals`")

        predicted = evidence.predicted
        delay, bot = self._context.step(evidence, signals)
        over_noise, over_echo, over_any = self._levels.step(
            evidence.caller_db, evidence.floor_db, predicted, signals
        )
        envelopes = self._envelope.step(
            evidence.caller_db,
            evidence.floor_db,
            signals.played_db,
            self._context.onset_ticks,
            self._context.lag_ticks,
            signals.tracker.has_lag,
        )
        columns = [
            over_noise,
            over_echo,
            log_seconds(self._levels.coupling_ticks),
            over_any,
            *envelopes,
            *delay,
            *self._canceller.step(evidence.caller_db, predicted.played_at_lag_db, signals),
            *self._spectral.coherence(signals),
            *self._speech_features(evidence.speech),
            *bot,
            *self._spectral.voice(evidence.caller_db, signals),
            *self._rule_features(evidence),
        ]
        features = joined(columns, len(evidence.speech), FEATURES)
        return np.clip(features, -_LIMIT, _LIMIT, out=features)

    def _speech_features(self, speech: Floats) -> list[Column]:
        self._speech[1:] = self._speech[:-1].copy()
        self._speech[0] = logit(speech) * _LOGIT_SCALE
        return [self._speech[0], self._speech[_SPEECH_AGO_TICKS]]

    def _rule_features(self, evidence: Evidence) -> list[Column]:
        self._rule.follow(evidence)
        on = self._rule.on
        self._false_stops.step(
            on & ~self._rule_on, self._rule.ratio > 0, self._context.echo_may_return
        )
        self._rule_on = on
        return [self._rule.sum * _SUM_SCALE, self._rule.ratio, self._false_stops.count]
