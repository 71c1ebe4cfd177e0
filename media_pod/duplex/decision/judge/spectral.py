"""Features of spectra: coherence between the signals, harmonicity, and spectral flux.

Coherence is that of Welch's method with a leak of 130 ms in place of the average: near 1 where one
signal is a linear copy of the other, so it falls at once when a caller joins the echo. A canceller
would need its filter to have converged for the same answer.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.decision.judge.columns import Column
from media_pod.duplex.decision.signals import CALLER, CLEANED, ECHO, Signals
from media_pod.duplex.features import Levels
from media_pod.duplex.ring import Audio
from media_pod.duplex.spectra import BIN_HZ, BINS

Floats = NDArray[np.float32]

COHERENCE: Final = (
    "coherence_caller_echo_low",
    "coherence_caller_echo_high",
    "coherence_cleaned_echo_low",
    "coherence_cleaned_echo_high",
    "coherence_cleaned_caller_low",
    "coherence_cleaned_caller_high",
)
VOICE: Final = ("harmonicity_caller", "harmonicity_cleaned", "flux_caller")

# A window of 64 ms with a taper resolves two bins: every second one is enough.
_USED: Final = slice(round(300 / BIN_HZ), BINS, 2)
_LOW_BINS: Final = len(range(BINS)[_USED]) * 2 // 5
"""Up to about 1500 Hz."""
_LATE_CALLER, _LATE_ECHO = 3, 4
"""A tick ago: the cancellers delay by up to one."""
_ONE: Final = (CALLER, CLEANED, CLEANED)
_OTHER: Final = (ECHO, _LATE_ECHO, _LATE_CALLER)
"""The pairs of signals whose coherence is a feature."""
_LEAK: Final = np.float32(TICK_MS / 130)
_LEAST_POWER: Final = np.float32(0.01)
"""Of a bin: that of white noise of -70 dBFS is about 0.3."""
_RATE_HZ: Final = 8000
_POINTS: Final = 512
"""64 ms at 8 kHz: the spectrum has no bins above 4 kHz at either rate."""
_LAGS: Final = slice(_RATE_HZ // 400, _RATE_HZ // 60 + 1)
"""Periods of 60 to 400 Hz."""
_NO_HUM: Final = round(80 / BIN_HZ)
_FLUX_DB: Final = np.float32(5.0)


def _taper_correlation() -> Floats:
    """Autocorrelation of the taper at `_LAGS`, over that at lag 0."""
    spectrum = np.abs(np.fft.rfft(np.hanning(_POINTS))) ** 2
    correlation = np.fft.irfft(spectrum)
    over: Floats = (correlation[_LAGS] / correlation[0]).astype(np.float32)
    return over


class SpectralFeatures:
    """Coherence, harmonicity and flux of every slot."""

    _TAPER: Final = _taper_correlation()

    def __init__(self, slots: int) -> None:
        bins = len(range(BINS)[_USED])
        self._latest = np.zeros((2, 2, slots, bins), np.float32)
        """Spectra of the received audio and of the echo's source, a tick ago."""
        self._power = np.zeros((3, slots, bins), np.float32)
        self._cross = np.zeros((2, len(_ONE), slots, bins), np.float32)
        """Real and imaginary part, by pair."""
        self._before_db: Levels | None = None
        self._fresh = np.ones(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._latest[:, :, slot] = 0
        self._power[:, slot] = 0
        self._cross[:, :, slot] = 0
        self._fresh[slot] = True

    def coherence(self, signals: Signals) -> list[Column]:
        """Take one tick of every slot; the columns of `COHERENCE`: magnitude squared, 0..2."""
        now = signals.spectra[..., _USED]
        real, imaginary = np.concatenate([now, self._latest], axis=1)
        late_power = self._power[[CALLER, ECHO]]
        self._latest = now[:, [CALLER, ECHO]]
        _follow(self._power, np.square(now).sum(axis=0))
        a, b, c, d = (part[[*pair]] for pair in (_ONE, _OTHER) for part in (real, imaginary))
        _follow(self._cross[0], a * c + b * d)
        _follow(self._cross[1], b * c - a * d)
        power = np.concatenate([self._power, late_power]) + _LEAST_POWER
        share = self._cross[0] * self._cross[0] + self._cross[1] * self._cross[1]
        share /= power[[*_ONE]] * power[[*_OTHER]]
        low = 2 * share[..., :_LOW_BINS].mean(axis=2)
        high = 2 * share[..., _LOW_BINS:].mean(axis=2)
        return [band[pair] for pair in range(len(_ONE)) for band in (low, high)]

    def voice(self, caller_db: Levels, signals: Signals) -> list[Column]:
        """Take one tick of every slot; the columns of `VOICE`."""
        harmonicity = self._harmonicity(signals.spectra[:, [CALLER, CLEANED]])
        if self._before_db is None:
            self._before_db = caller_db
        rise_db = np.maximum(caller_db - self._before_db, 0).mean(axis=1)
        flux = np.where(self._fresh, 0, rise_db / _FLUX_DB)
        self._before_db = caller_db
        self._fresh[:] = False
        return [*(2 * harmonicity), 2 * flux]

    def _harmonicity(self, spectra: Audio) -> Floats:
        """[...] largest normalised autocorrelation at the periods of a voice, about 0..1.

        The taper's own autocorrelation is divided out, as in Boersma (1993).
        """
        power = spectra[0] * spectra[0] + spectra[1] * spectra[1]
        power[..., :_NO_HUM] = 0
        correlation = fft.irfft(power.astype(np.complex64), n=_POINTS)
        least = _LEAST_POWER * np.float32(2 * BINS / _POINTS)
        periodic = (correlation[..., _LAGS] / self._TAPER).max(axis=-1)
        share: Floats = periodic / (correlation[..., 0] + least)
        return np.clip(share, -1, 1)


def _follow(held: Floats, new: Floats) -> None:
    held += _LEAK * (new - held)
