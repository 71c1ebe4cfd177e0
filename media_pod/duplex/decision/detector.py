"""Barge-in detection: decides between caller speech and echo, for all slots at once.

`BargeInDetector` is the interface. `SequentialDetector` implements Wald's sequential probability
ratio test (1945): each tick adds the log-likelihood ratio of "the caller speaks" to a sum that
cannot fall below zero, and thresholds on the sum decide. A loud, clear interruption takes two
ticks, a doubtful one longer.

There are three cases:

1. nothing was played within the longest delay: echo is impossible, Silero's probability decides;
2. no lock: the evidence is the level above *any* possible echo, at any delay. Until the bot has
   spoken for a second, the limit is the bot's own level: a late loud echo and an answer to the
   bot's first word are distinguished by the tracker alone, which finds an echo within 0.7 s.
   Speech in which it finds none by then is judged as in the first case;
3. locked: the evidence is the level above the echo at the lag, and above any echo.

In all cases Silero's probability, computed on the cleaned signal, is the evidence for speech. The
level of the canceller's residual is not used: it adds nothing to the predicted echo level at the
canceller's input.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import Decision, Reason
from media_pod.duplex.decision.prediction import Predicted
from media_pod.duplex.decision.signals import Signals
from media_pod.duplex.features import Levels

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Input of the detector: one tick of every slot."""

    speech: Floats
    """[slots] Silero's speech probability of the cleaned signal, 0..1."""
    caller_db: Levels
    """[slots, BANDS] levels of the received audio."""
    floor_db: Levels
    """[slots, BANDS] noise floor of the received audio."""
    predicted: Predicted
    locked: Flags
    """[slots] whether the delay tracker has a lock with enough confidence."""
    unexplained: Flags
    """[slots] whether the delay tracker finds no echo in loud audio; see `DelayTracker`."""
    signals: Signals | None = None
    """For a detector that needs them."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Output of the detector: one tick of every slot."""

    decision: NDArray[np.int8]
    """[slots] a `Decision`."""
    reason: NDArray[np.int8]
    """[slots] a `Reason`."""
    why: Mapping[int, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """By slot that rises to `Decision.CALLER` in this tick: what carried the decision, see
    `contract.Step.why`."""


class BargeInDetector(Protocol):
    """Turns evidence into decisions; keeps state per slot."""

    @property
    def needs_signals(self) -> bool:
        """Whether it needs `Evidence.signals`, which cost a bank half as much again."""

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""

    def step(self, evidence: Evidence) -> Detection:
        """Take one tick of every slot."""


# Logistic regressions of "the caller speaks" on 64 random calls of 30 s, tested on 64 others:
# ERL 6-35 dB, delay 20-1000 ms, hybrids and rooms, noise -75..-50 dBFS, a delay step in a third of
# them, callers -34..-18 dBFS, and noises (dogs, sneezes, rustle) that must not stop the bot. See
# docs/decisions/0003-evidence-without-a-net.md.
_NO_ECHO, _UNLOCKED, _LOCKED = range(3)  # the cases: rows of the weights
_WEIGHTS: Final = np.array(
    [
        (0.6, 0.0, 0.05, -0.5),
        (0.68, 0.0, 0.31, -4.4),
        (0.57, 0.22, 0.10, -3.3),
    ],
    np.float32,
)
"""[case, 4]: of logit(p), of the excess over the echo at the lag and at any lag; and the bias. They
add up to the log-likelihood ratio of a tick."""

_LOUDEST_BANDS: Final = 5
_OVER_FLOOR_DB: Final = np.float32(3.0)
_EXCESS_DB: Final = (np.float32(-10.0), np.float32(20.0))
PER_TICK: Final = (np.float32(-4.0), np.float32(3.0))
ONSET_ABOVE: Final = np.float32(1.5)
CALLER_ABOVE: Final = np.float32(4.0)
RELEASE_BELOW: Final = np.float32(1.0)
MOST_EVIDENCE: Final = np.float32(12.0)
SENSITIVITY_BIAS: Final = {"low": 1.0, "normal": 0.25, "high": -0.25}
"""Threshold bias by `bargeIn.sensitivity`."""
NORMAL_BIAS: Final = SENSITIVITY_BIAS["normal"]
_HANGOVER_TICKS: Final = 15
"""300 ms: bridges the pauses inside a phrase."""
_SPEECH: Final = np.float32(0.3)
_QUIET_DB: Final = np.float32(3.0)


class SequentialDetector:
    """Wald's sequential test; see the module."""

    needs_signals: Final = False

    def __init__(self, slots: int, threshold_bias: float) -> None:
        """Create a detector.

        Args:
            slots: number of rows.
            threshold_bias: subtracted from the log-likelihood ratio of every tick. 0 is the
                unbiased test; a higher value gives fewer false stops, and later and fewer true
                ones.
        """
        self._threshold_bias = np.float32(threshold_bias)
        self.sum = np.zeros(slots, np.float32)
        """[slots] evidence so far: log-likelihood ratio, 0..12."""
        self.ratio = np.zeros(slots, np.float32)
        """[slots] log-likelihood ratio of the latest tick, -4..3."""
        self.on = np.zeros(slots, np.bool_)
        """[slots] whether the decision is `Decision.CALLER`."""
        self._bot_spoke = np.zeros(slots, np.bool_)
        self._quiet_ticks = np.zeros(slots, np.int64)
        self._why = np.zeros(slots, np.int8)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self.sum[slot] = self.ratio[slot] = 0
        self.on[slot] = self._bot_spoke[slot] = False
        self._quiet_ticks[slot] = 0

    def step(self, evidence: Evidence) -> Detection:
        """Take one tick of every slot."""
        rise = self.follow(evidence)
        if rise.any():
            self._why[rise] = why_caller(evidence, Reason.LOUDER_THAN_ECHO)[rise]
        onset = np.where(self.sum > ONSET_ABOVE, Decision.ONSET, Decision.NONE)
        return Detection(
            decision=np.where(self.on, Decision.CALLER, onset).astype(np.int8),
            reason=np.where(self.on, self._why, why_not(evidence, self.ratio)),
        )

    def follow(self, evidence: Evidence) -> Flags:
        """Take one tick of every slot without saying why; [slots] which rise to a caller."""
        noise = evidence.floor_db + _OVER_FLOOR_DB
        predicted = evidence.predicted
        over_lag, over_any = _loudest(
            evidence.caller_db - np.maximum(predicted.at_lag_db, noise),
            evidence.caller_db - np.maximum(predicted.at_any_lag_db, noise),
        )
        impossible = ~predicted.reference_at_any_lag | _no_echo_found(evidence)
        case = np.where(impossible, _NO_ECHO, np.where(evidence.locked, _LOCKED, _UNLOCKED))
        ratio = _weigh(case, logit(evidence.speech), over_lag, over_any)
        self.ratio = np.clip(ratio - self._threshold_bias, *PER_TICK)
        self._release_at_bot_onset(predicted.reference_at_any_lag)
        self.sum = np.clip(self.sum + self.ratio, 0, MOST_EVIDENCE)
        rise = (self.sum > CALLER_ABOVE) & ~self.on
        self._quiet_ticks = np.where(self.sum < RELEASE_BELOW, self._quiet_ticks + 1, 0)
        self.on = (self.on & (self._quiet_ticks < _HANGOVER_TICKS)) | rise
        return rise

    def _release_at_bot_onset(self, bot: Flags) -> None:
        """A decision that only the hangover holds ends when the bot begins to speak: it could not
        rise again for a caller who interrupts the bot's first words."""
        self.on = self.on & ~(bot & ~self._bot_spoke & (self.sum < RELEASE_BELOW))
        self._bot_spoke = bot


def _loudest(*excess_db: Levels) -> tuple[Floats, ...]:
    """[slots] of each, the mean excess of the bands with the highest; a voice never fills all."""
    every = np.clip(np.array(excess_db), *_EXCESS_DB)
    every.partition(-_LOUDEST_BANDS, axis=2)
    return tuple(every[:, :, -_LOUDEST_BANDS:].mean(axis=2))


def logit(probability: Floats) -> Floats:
    """Log odds of a probability 0..1, -6..6."""
    odds = (probability + np.float32(1e-4)) / (1 - probability + np.float32(1e-4))
    log_odds: Floats = np.clip(np.log(odds), -6, 6)
    return log_odds


def _weigh(case: NDArray[np.intp], log_odds: Floats, over_lag: Floats, over_any: Floats) -> Floats:
    speech, lag, any_lag, bias = _WEIGHTS[case].T
    ratio: Floats = speech * log_odds + lag * over_lag + bias + any_lag * over_any
    return ratio


def _no_echo_found(evidence: Evidence) -> Flags:
    """[slots] whether the search for an echo replaces the ceiling, which has not settled yet."""
    found: Flags = evidence.unexplained & ~evidence.predicted.ceiling_settled & ~evidence.locked
    return found


def why_caller(evidence: Evidence, unproven: Reason) -> NDArray[np.int8]:
    """[slots] the reason of a decision for a caller in this tick.

    Args:
        evidence: of this tick.
        unproven: that of a decision without a lock, on a line that may return an echo.
    """
    predicted = evidence.predicted
    unlocked = np.select(
        [predicted.no_echo, _no_echo_found(evidence)],
        [Reason.NO_ECHO_ON_LINE, Reason.NO_ECHO_FOUND],
        unproven,
    )
    over_echo = np.where(evidence.locked, Reason.SPEECH_OVER_ECHO, unlocked)
    speaking = predicted.reference_at_any_lag
    return np.where(speaking, over_echo, Reason.SPEECH_NO_ECHO).astype(np.int8)


def why_not(evidence: Evidence, ratio: Floats) -> NDArray[np.int8]:
    """[slots] why there is no decision for a caller; `ratio` is this tick's evidence for one."""
    (over_noise,) = _loudest(evidence.caller_db - (evidence.floor_db + _OVER_FLOOR_DB))
    # np.select takes half as long again.
    echo = np.where(evidence.locked, Reason.ECHO_EXPLAINED, Reason.HOLDING_NO_LOCK)
    speech = np.where(ratio > 0, Reason.GATHERING, echo)
    sound = np.where(evidence.speech < _SPEECH, Reason.NOT_SPEECH, speech)
    return np.where(over_noise < _QUIET_DB, Reason.QUIET, sound).astype(np.int8)
