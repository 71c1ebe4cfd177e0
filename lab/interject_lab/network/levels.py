"""Levels of telephone speech, the same yardstick for every part of the lab.

All levels are RMS in dB relative to a full scale of 32768 (dBov).
"""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

FULL_SCALE = 32768.0
SILENCE_DBFS = -60.0
"""A frame below this is silence: the bot's line noise and the tails of its words lie under it."""
ACTIVE_MARGIN_DB = 15.9
"""How far below the active level speech still counts as active (ITU-T P.56, method B)."""
ONSET_MARGIN_DB = 18.0
"""A talk spurt begins with its first 10 ms within this of the talk's active level."""

BOT_PAUSE_MS = 300
"""A pause within speech, not its end."""

_FRAME_MS = 10


def power(samples: NDArray[np.int16] | NDArray[np.float64]) -> float:
    """Mean square of `samples` relative to full scale; 0 for none."""
    if samples.size == 0:
        return 0.0
    scaled = samples.astype(np.float64) / FULL_SCALE
    return float(np.mean(scaled * scaled))


def to_db(ratio: float) -> float:
    """A power ratio in dB; -inf for 0."""
    return 10 * math.log10(ratio) if ratio > 0 else -math.inf


def is_sound(frame: Pcm) -> bool:
    """Whether `frame` is above `SILENCE_DBFS`."""
    return to_db(power(frame)) > SILENCE_DBFS


def frame_powers(
    samples: NDArray[np.int16] | NDArray[np.float64], frame_samples: int
) -> NDArray[np.float64]:
    """Mean squares of the whole frames in `samples`, float64 [frames]."""
    frames = samples.size // frame_samples
    scaled = samples[: frames * frame_samples].astype(np.float64) / FULL_SCALE
    mean: NDArray[np.float64] = np.mean(scaled.reshape(frames, frame_samples) ** 2, axis=1)
    return mean


def without_gaps(on: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """`on` with gaps of up to `longest` places filled."""
    filled = on.copy()
    for last, first in pairwise(np.flatnonzero(on)):
        if first - last - 1 <= longest:
            filled[last:first] = True
    return filled


def active_level_dbfs(samples: NDArray[np.int16] | NDArray[np.float64], rate_hz: int) -> float:
    """Level of the speech in `samples`, its pauses not counted; -inf for silence.

    After ITU-T P.56: the mean over the parts that lie at most `ACTIVE_MARGIN_DB` below that very
    mean; here over frames of 10 ms, without the Recommendation's envelope and hangover.
    """
    powers = frame_powers(samples, rate_hz * _FRAME_MS // 1000)
    level = float(np.mean(powers)) if powers.size else 0.0
    for _ in range(20):
        active = powers[powers > level * 10 ** (-ACTIVE_MARGIN_DB / 10)]
        if active.size == 0 or math.isclose(np.mean(active), level, rel_tol=1e-4):
            break
        level = float(np.mean(active))
    return to_db(level)


def speech_bounds(pcm: Pcm, rate_hz: int) -> tuple[int, int]:
    """Where the talk in `pcm` begins and ends, in samples, the end exclusive.

    The first and the last 10 ms within `ONSET_MARGIN_DB` of the active level; (0, 0) for silence.
    """
    frame_samples = rate_hz * _FRAME_MS // 1000
    powers = frame_powers(pcm, frame_samples)
    level_dbfs = active_level_dbfs(pcm, rate_hz)
    if level_dbfs == -math.inf:
        return 0, 0
    loud = np.flatnonzero(powers >= 10 ** ((level_dbfs - ONSET_MARGIN_DB) / 10))
    return int(loud[0]) * frame_samples, (int(loud[-1]) + 1) * frame_samples
