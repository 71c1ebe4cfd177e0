"""Whose sound is it: the caller's or an echo's? Evidence in, decision out, for all slots at once.

`Judge` is the interface; `SequentialJudge` is Wald's sequential probability ratio test (1945): each
tick adds its log-likelihood ratio of "the caller speaks" to a sum that cannot fall below zero, and
the sum decides. A loud, clear interruption decides in three ticks, a doubtful one waits.

The rules, in order of what they need:

1. nothing was played within the longest delay: no echo is possible, Silero decides;
2. no lock: a sound counts as the caller's only by what it exceeds of *any* echo, whatever its
   delay. Before the bot has spoken for a second that ceiling is the bot's own loudness: a late loud
   echo and an answer to the bot's first word look the same until the tracker has locked;
3. locked: a sound counts by what it exceeds of the echo at the lag, and of any echo.

In all three Silero's probability, on the cleaned signal, says whether it is speech. What the
canceller leaves is no evidence beyond that: at its input the prediction already says as much.
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
    """What one tick says of every slot."""

    speech: Floats
    """[slots] Silero's probability on the cleaned signal."""
    caller_db: Levels
    """[slots, BANDS] what arrived."""
    floor_db: Levels
    """[slots, BANDS] the noise under it."""
    predicted: Predicted
    locked: Flags
    """[slots] the tracker holds a lag and trusts it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """[slots] decisions and reasons, as int8."""

    decision: NDArray[np.int8]
    reason: NDArray[np.int8]


class Judge(Protocol):
    """Turns evidence into decisions; keeps its own state per slot."""

    def reset(self, slot: int) -> None:
        """Forget the call in `slot`."""

    def step(self, evidence: Evidence) -> Verdict:
        """One tick of every slot."""


@dataclass(frozen=True, slots=True)
class _Weights:
    """Log-likelihood ratio per tick: speech * logit(p) + lag * excess + any * excess + bias."""

    speech: float
    over_lag: float
    over_any_lag: float
    bias: float


# Logistic regressions of "the caller speaks" on 64 random calls of 30 s, tested on 64 others:
# ERL 6-35 dB, delay 20-1000 ms, hybrids and rooms, noise -75..-50 dBFS, a delay step in a third,
# callers -34..-18 dBFS, noises (dogs, sneezes, rustle) that must not count. The record of the
# study is docs/decisions/0003-evidence-without-a-net.md.
_LOCKED: Final = _Weights(speech=0.57, over_lag=0.22, over_any_lag=0.10, bias=-3.3)
_UNLOCKED: Final = _Weights(speech=0.68, over_lag=0.0, over_any_lag=0.31, bias=-4.4)
_NO_ECHO: Final = _Weights(speech=0.6, over_lag=0.0, over_any_lag=0.05, bias=-0.5)

_LOUDEST_BANDS: Final = 5
_OVER_FLOOR_DB: Final = np.float32(3.0)
_EXCESS_DB: Final = (np.float32(-10.0), np.float32(20.0))
_PER_TICK: Final = (np.float32(-4.0), np.float32(3.0))
_ONSET: Final = np.float32(1.5)
_CALLER: Final = np.float32(4.0)
_RELEASE: Final = np.float32(1.0)
_MOST: Final = np.float32(12.0)
_HANGOVER_TICKS: Final = 15
"""300 ms: pauses inside a phrase do not end it."""
_SPEECH: Final = np.float32(0.3)
_QUIET_DB: Final = np.float32(3.0)


class SequentialJudge:
    """The sequential test."""

    def __init__(self, slots: int, caution: float) -> None:
        """Make a judge.

        Args:
            slots: rows.
            caution: taken off every tick's log-likelihood ratio. 0 is the plain test; more makes
                fewer false stops, and true ones later and fewer.
        """
        self._caution = np.float32(caution)
        self._sum = np.zeros(slots, np.float32)
        self._quiet_ticks = np.zeros(slots, np.int64)
        self._on = np.zeros(slots, np.bool_)
        self._why = np.zeros(slots, np.int8)

    def reset(self, slot: int) -> None:
        """Forget the call in `slot`."""
        self._sum[slot] = 0
        self._on[slot] = False
        self._quiet_ticks[slot] = 0

    def step(self, evidence: Evidence) -> Verdict:
        """One tick of every slot."""
        noise = evidence.floor_db + _OVER_FLOOR_DB
        predicted = evidence.predicted
        over_lag = _loudest(evidence.caller_db - np.maximum(predicted.at_lag_db, noise))
        over_any = _loudest(evidence.caller_db - np.maximum(predicted.at_any_lag_db, noise))
        logit = _logit(evidence.speech)
        ratio = np.select(
            [~predicted.reference_at_any_lag, ~evidence.locked],
            [_weigh(w, logit, over_lag, over_any) for w in (_NO_ECHO, _UNLOCKED)],
            _weigh(_LOCKED, logit, over_lag, over_any),
        )
        ratio = np.clip(ratio - self._caution, *_PER_TICK)
        self._sum = np.clip(self._sum + ratio, 0, _MOST).astype(np.float32)
        rise = (self._sum > _CALLER) & ~self._on
        self._why[rise] = _why_caller(evidence)[rise]
        self._quiet_ticks = np.where(self._sum < _RELEASE, self._quiet_ticks + 1, 0)
        self._on = (self._on & (self._quiet_ticks < _HANGOVER_TICKS)) | rise
        onset = np.where(self._sum > _ONSET, Decision.ONSET, Decision.NONE)
        quiet = _loudest(evidence.caller_db - noise) < _QUIET_DB
        waiting = _why_not(evidence, ratio, quiet)
        return Verdict(
            decision=np.where(self._on, Decision.CALLER, onset).astype(np.int8),
            reason=np.where(self._on, self._why, waiting).astype(np.int8),
        )


def _loudest(excess_db: Levels) -> Floats:
    """The mean excess of the bands that exceed most; a voice does not fill all bands at once."""
    top = np.partition(np.clip(excess_db, *_EXCESS_DB), -_LOUDEST_BANDS, axis=1)
    mean: Floats = top[:, -_LOUDEST_BANDS:].mean(axis=1)
    return mean


def _logit(probability: Floats) -> Floats:
    odds = (probability + np.float32(1e-4)) / (1 - probability + np.float32(1e-4))
    return np.clip(np.log(odds), -6, 6).astype(np.float32)


def _weigh(weights: _Weights, logit: Floats, over_lag: Floats, over_any: Floats) -> Floats:
    weighed = weights.speech * logit + weights.over_lag * over_lag + weights.bias
    return (weighed + weights.over_any_lag * over_any).astype(np.float32)


def _why_caller(evidence: Evidence) -> NDArray[np.int8]:
    predicted = evidence.predicted
    unlocked = np.where(predicted.ceiling_known, Reason.NO_ECHO_ON_LINE, Reason.LOUDER_THAN_ECHO)
    over_echo = np.where(evidence.locked, Reason.SPEECH_OVER_ECHO, unlocked)
    speaking = predicted.reference_at_any_lag
    return np.where(speaking, over_echo, Reason.SPEECH_NO_ECHO).astype(np.int8)


def _why_not(evidence: Evidence, ratio: Floats, quiet: Flags) -> NDArray[np.int8]:
    return np.select(
        [quiet, evidence.speech < _SPEECH, ratio > 0, ~evidence.locked],
        [Reason.QUIET, Reason.NOT_SPEECH, Reason.GATHERING, Reason.HOLDING_NO_LOCK],
        Reason.ECHO_EXPLAINED,
    ).astype(np.int8)
