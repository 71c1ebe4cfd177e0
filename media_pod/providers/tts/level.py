"""Level of speech: the active level that every voice is brought to, and where its sound is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.providers.ports import Pcm

Samples = NDArray[np.float32]
"""Mono audio, full scale 32768."""

ACTIVE_LEVEL_DBFS: Final = -20.0
"""RMS of the active parts of speech, relative to a full scale of 32768: the usual level in
telephony, with headroom for speech's crest factor of 12 to 15 dB."""
PEAK_DBFS: Final = -1.0
FRAME_MS: Final = 5

_FULL_SCALE: Final = 32768.0
_SILENCE_DB: Final = -40.0
"""Threshold of silence, relative to the loudest frame of the piece."""
_ACTIVE_DB: Final = -20.0
"""Threshold of frames that count for the active level, relative to the loudest frame."""


def amplitude(dbfs: float) -> float:
    """The RMS or peak value of a level, relative to a full scale of 32768."""
    return float(_FULL_SCALE * 10 ** (dbfs / 20))


def frame_samples(rate_hz: int) -> int:
    """Samples of a frame of `FRAME_MS`."""
    return rate_hz * FRAME_MS // 1000


def frame_power(samples: Samples, rate_hz: int) -> Samples:
    """[frames] mean power of each frame of `FRAME_MS`; the last one is filled up with zeros."""
    frame = frame_samples(rate_hz)
    padded = np.pad(samples, (0, -samples.size % frame)).reshape(-1, frame)
    power: Samples = np.square(padded).mean(axis=1)
    return power


def audible(power: Samples) -> NDArray[np.bool_]:
    """[frames] whether a frame is above silence, given the power of all frames of a piece."""
    above: NDArray[np.bool_] = power > power.max(initial=0.0) * 10 ** (_SILENCE_DB / 10)
    return above


def active_frames(power: Samples) -> Samples:
    """Power of the frames that count for the active level; none of a piece without sound."""
    loudest = power.max(initial=0.0)
    active: Samples = power[(power > 0) & (power >= loudest * 10 ** (_ACTIVE_DB / 10))]
    return active


def gain_of(active_power: float) -> float:
    """The factor that brings speech of this mean active power, above 0, to `ACTIVE_LEVEL_DBFS`."""
    return amplitude(ACTIVE_LEVEL_DBFS) / float(np.sqrt(active_power))


def levelled(samples: Samples, rate_hz: int) -> Pcm:
    """A whole piece at `ACTIVE_LEVEL_DBFS`, lower if its peak would exceed `PEAK_DBFS`."""
    active = active_frames(frame_power(samples, rate_hz))
    if not active.size:
        return np.zeros(samples.size, np.int16)
    gain = min(gain_of(float(active.mean())), amplitude(PEAK_DBFS) / float(np.abs(samples).max()))
    pcm: Pcm = np.rint(samples * gain).astype(np.int16)
    return pcm
