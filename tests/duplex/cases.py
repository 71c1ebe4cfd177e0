"""Synthetic evidence for the detectors.

Every case is one slot on a line with a noise floor of 10 dB, and the same evidence in every tick:
`level_db` of the received audio, Silero's `speech`, the maximum echo levels at the lag and at any
lag, and the state of the tracker.
"""

from dataclasses import dataclass, replace

import numpy as np

from media_pod.duplex.decision.detector import Evidence
from media_pod.duplex.decision.prediction import Predicted
from media_pod.duplex.decision.signals import Signals, TrackerState
from media_pod.duplex.features import BANDS, Levels
from media_pod.duplex.spectra import BINS

FLOOR_DB = 10.0


@dataclass(frozen=True)
class Case:
    level_db: float = FLOOR_DB
    speech: float = 0.95
    at_lag_db: float = 35.0
    at_any_lag_db: float = 40.0
    locked: bool = True
    bot_speaks: bool = True
    ceiling_settled: bool = True
    no_echo: bool = False
    unexplained: bool = False


QUIET = Case(speech=0.02)
ECHO = Case(level_db=34.0)
CALLER = Case(level_db=48.0)
COUGH = Case(level_db=48.0, speech=0.01)
BOT_SILENT = Case(level_db=48.0, bot_speaks=False)
UNLOCKED = replace(ECHO, locked=False, at_any_lag_db=60.0)
LOUDER = replace(UNLOCKED, level_db=75.0)
AS_LOUD_AS_THE_BOT = replace(UNLOCKED, level_db=57.0, ceiling_settled=False)
NO_ECHO_LINE = replace(CALLER, locked=False, no_echo=True, at_any_lag_db=14.0)


def levels(level_db: float) -> Levels:
    return np.full((1, BANDS), level_db, np.float32)


def evidence(case: Case) -> Evidence:
    speaks = np.array([case.bot_speaks])
    return Evidence(
        speech=np.array([case.speech], np.float32),
        caller_db=levels(case.level_db),
        floor_db=levels(FLOOR_DB),
        predicted=Predicted(
            at_lag_db=levels(case.at_lag_db),
            at_any_lag_db=levels(case.at_any_lag_db),
            played_at_lag_db=levels(case.at_lag_db),
            played_at_any_lag_db=levels(case.at_any_lag_db),
            ceiling_settled=np.array([case.ceiling_settled]),
            no_echo=np.array([case.no_echo]),
            reference_at_lag=speaks & case.locked,
            reference_at_any_lag=speaks,
        ),
        locked=np.array([case.locked]),
        unexplained=np.array([case.unexplained]),
    )


def heard(case: Case, ratio_near_lag: float = 10.0, *, digital_silence: bool = False) -> Evidence:
    """The case's evidence with the signals that the learned judge needs; spectra are empty."""
    number = np.array([10], np.float32)
    tracker = TrackerState(
        has_lag=np.array([case.locked]),
        lag_samples=np.array([1600]),
        confidence=number / np.float32(10),
        peak_ratio=number,
        ratio_at_lag=number,
        ratio_near_lag=np.array([ratio_near_lag], np.float32),
        ratio_of_window=number,
    )
    signals = Signals(
        spectra=np.zeros((2, 3, 1, BINS), np.float32),
        cleaned_db=levels(case.level_db),
        played_db=levels(50.0 if case.bot_speaks else -10.0),
        tracker=tracker,
        digital_silence=np.array([digital_silence]),
    )
    return replace(evidence(case), signals=signals)
