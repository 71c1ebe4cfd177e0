"""Barge-in detection: decides between caller speech and echo, for all slots at once.

`BargeInDetector` is the interface. `SequentialDetector` implements Wald's sequential probability
ratio test (1945): each tick adds the log-likelihood ratio of "the caller speaks" to a sum that
cannot fall below zero, and thresholds on the sum decide. A loud, clear interruption takes three
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

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import Decision, Reason
from media_pod.duplex.decision.prediction import Predicted
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


@dataclass(frozen=True, slots=True)
class Detection:
    """Output of the detector: one tick of every slot."""

    decision: NDArray[np.int8]
    """[slots] a `Decision`."""
    reason: NDArray[np.int8]
    """[slots] a `Reason`."""


class BargeInDetector(Protocol):
    """Turns evidence into decisions; keeps state per slot."""

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
_PER_TICK: Final = (np.float32(-4.0), np.float32(3.0))
_ONSET: Final = np.float32(1.5)
_CALLER: Final = np.float32(4.0)
_RELEASE: Final = np.float32(1.0)
_MOST: Final = np.float32(12.0)
_HANGOVER_TICKS: Final = 15
"""300 ms: bridges the pauses inside a phrase."""
_SPEECH: Final = np.float32(0.3)
_QUIET_DB: Final = np.float32(3.0)


class SequentialDetector:
    """Wald's sequential test; see the module."""

    def __init__(self, slots: int, threshold_bias: float) -> None:
        """Create a detector.

        Args:
            slots: number of rows.
            threshold_bias: subtracted from the log-likelihood ratio of every tick. 0 is the
                unbiased test; a higher value gives fewer false stops, and later and fewer true
                ones.
        """
        self._threshold_bias = np.float32(threshold_bias)
        self._sum = np.zeros(slots, np.float32)
        self._quiet_ticks = np.zeros(slots, np.int64)
        self._on = np.zeros(slots, np.bool_)
        self._why = np.zeros(slots, np.int8)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._sum[slot] = 0
        self._on[slot] = False
        self._quiet_ticks[slot] = 0

    def step(self, evidence: Evidence) -> Detection:
        """Take one tick of every slot."""
        noise = evidence.floor_db + _OVER_FLOOR_DB
        predicted = evidence.predicted
        over_lag, over_any, over_noise = _loudest(
            evidence.caller_db - np.maximum(predicted.at_lag_db, noise),
            evidence.caller_db - np.maximum(predicted.at_any_lag_db, noise),
            evidence.caller_db - noise,
        )
        impossible = ~predicted.reference_at_any_lag | _no_echo_found(evidence)
        case = np.where(impossible, _NO_ECHO, np.where(evidence.locked, _LOCKED, _UNLOCKED))
        ratio = _weigh(case, _logit(evidence.speech), over_lag, over_any)
        ratio = np.clip(ratio - self._threshold_bias, *_PER_TICK)
        self._sum = np.clip(self._sum + ratio, 0, _MOST)
        rise = (self._sum > _CALLER) & ~self._on
        if rise.any():
            self._why[rise] = _why_caller(evidence)[rise]
        self._quiet_ticks = np.where(self._sum < _RELEASE, self._quiet_ticks + 1, 0)
        self._on = (self._on & (self._quiet_ticks < _HANGOVER_TICKS)) | rise
        onset = np.where(self._sum > _ONSET, Decision.ONSET, Decision.NONE)
        waiting = _why_not(evidence, ratio, over_noise < _QUIET_DB)
        return Detection(
            decision=np.where(self._on, Decision.CALLER, onset).astype(np.int8),
            reason=np.where(self._on, self._why, waiting),
        )


def _loudest(*excess_db: Levels) -> tuple[Floats, ...]:
    """[slots] of each, the mean excess of the bands with the highest; a voice never fills all."""
    every = np.clip(np.array(excess_db), *_EXCESS_DB)
    every.partition(-_LOUDEST_BANDS, axis=2)
    return tuple(every[:, :, -_LOUDEST_BANDS:].mean(axis=2))


def _logit(probability: Floats) -> Floats:
    odds = (probability + np.float32(1e-4)) / (1 - probability + np.float32(1e-4))
    logit: Floats = np.clip(np.log(odds), -6, 6)
    return logit


def _weigh(case: NDArray[np.intp], logit: Floats, over_lag: Floats, over_any: Floats) -> Floats:
    speech, lag, any_lag, bias = _WEIGHTS[case].T
    ratio: Floats = speech * logit + lag * over_lag + bias + any_lag * over_any
    return ratio


def _no_echo_found(evidence: Evidence) -> Flags:
    """[slots] whether the search for an echo replaces the ceiling, which has not settled yet."""
    found: Flags = evidence.unexplained & ~evidence.predicted.ceiling_settled & ~evidence.locked
    return found


def _why_caller(evidence: Evidence) -> NDArray[np.int8]:
    predicted = evidence.predicted
    unlocked = np.select(
        [predicted.no_echo, _no_echo_found(evidence)],
        [Reason.NO_ECHO_ON_LINE, Reason.NO_ECHO_FOUND],
        Reason.LOUDER_THAN_ECHO,
    )
    over_echo = np.where(evidence.locked, Reason.SPEECH_OVER_ECHO, unlocked)
    speaking = predicted.reference_at_any_lag
    return np.where(speaking, over_echo, Reason.SPEECH_NO_ECHO).astype(np.int8)


def _why_not(evidence: Evidence, ratio: Floats, quiet: Flags) -> NDArray[np.int8]:
    # np.select takes half as long again.
    echo = np.where(evidence.locked, Reason.ECHO_EXPLAINED, Reason.HOLDING_NO_LOCK)
    speech = np.where(ratio > 0, Reason.GATHERING, echo)
    sound = np.where(evidence.speech < _SPEECH, Reason.NOT_SPEECH, speech)
    return np.where(quiet, Reason.QUIET, sound).astype(np.int8)
