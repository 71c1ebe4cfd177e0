"""Level of one tick of audio per slot."""

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.levels import FULL_SCALE, SILENCE_DBFS
from media_pod.duplex.contract import Pcm


def power(pcm: Pcm) -> NDArray[np.float64]:
    """[slots] mean square of int16 [slots, samples], relative to full scale."""
    mean: NDArray[np.float64] = np.mean((pcm / FULL_SCALE) ** 2, axis=1)
    return mean


def rms(pcm: Pcm) -> NDArray[np.float64]:
    """[slots] root mean square of int16 [slots, samples], 0..32768."""
    return np.sqrt(power(pcm)) * FULL_SCALE


def is_sound(pcm: Pcm) -> NDArray[np.bool_]:
    """[slots] whether int16 [slots, samples] is above `SILENCE_DBFS`."""
    return np.asarray(power(pcm) > 10 ** (SILENCE_DBFS / 10))
