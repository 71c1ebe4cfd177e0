"""Momentary loudness of ITU-R BS.1770-5: K-weighting, and the mean power of 400 ms."""

import importlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.levels import FULL_SCALE
from interject_lab.rules.rule_bank import Mask
from media_pod.duplex.contract import TICK_MS, Pcm

BLOCK_MS: Final = 400
_OFFSET_DB: Final = -0.691
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_SHELF_MIDDLE: Final = 0.4996667741545416
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
"""Analog parameters that give the Recommendation's coefficients at 48 kHz by the bilinear
transform; it tabulates that rate alone."""


def k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """Second-order sections of the K-weighting filter, [2, 6] (b0 b1 b2 a0 a1 a2), at `rate_hz`."""
    k = np.tan(np.pi * _SHELF_HZ / rate_hz)
    high = 10 ** (_SHELF_DB / 20)
    middle = high**_SHELF_MIDDLE
    poles = _poles(k, _SHELF_Q)
    zeros = [
        high + middle * k / _SHELF_Q + k * k,
        2 * (k * k - high),
        high - middle * k / _SHELF_Q + k * k,
    ]
    shelf = np.array([*zeros, *poles]) / poles[0]
    poles = _poles(np.tan(np.pi * _HIGH_PASS_HZ / rate_hz), _HIGH_PASS_Q)
    # The Recommendation does not scale the numerator of the high-pass.
    high_pass = np.array([1.0, -2.0, 1.0, *(pole / poles[0] for pole in poles)])
    return np.stack([shelf, high_pass])


def _poles(k: float, q: float) -> list[float]:
    return [1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k]


class MomentaryLoudness:
    """Loudness of the last 400 ms of every slot."""

    def __init__(self, slots: int, rate: int) -> None:
        # scipy.signal takes a second to import; no other rule needs it.
        self._sosfilt: Any = importlib.import_module("scipy.signal").sosfilt
        self._sections = k_weighting(rate)
        self._state = np.zeros((2, slots, 2))
        self._powers = np.zeros((slots, BLOCK_MS // TICK_MS))

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._state[:, slot] = 0
        self._powers[slot] = 0

    def step(self, pcm: Pcm) -> NDArray[np.float64]:
        """One tick, int16 [slots, samples]: [slots] loudness in LKFS; -inf for digital silence."""
        weighted, self._state = self._sosfilt(
            self._sections, pcm / FULL_SCALE, axis=1, zi=self._state
        )
        self._powers = np.roll(self._powers, -1, axis=1)
        self._powers[:, -1] = np.mean(weighted**2, axis=1)
        with np.errstate(divide="ignore"):
            level_db: NDArray[np.float64] = 10 * np.log10(np.mean(self._powers, axis=1))
        return level_db + _OFFSET_DB


def is_above_absolute_gate(loudness_lkfs: NDArray[np.float64]) -> Mask:
    """[slots] whether a block counts at all: from -70 LKFS on."""
    return np.asarray(loudness_lkfs >= -70.0)
