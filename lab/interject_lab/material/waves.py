"""Building blocks of made sounds: noise bands, harmonics, resonances and envelopes.

All signals are float64 [samples] without a unit; `to_pcm` gives them a level.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Pcm = NDArray[np.int16]
Wave = NDArray[np.float64]

_BAND_TOP = 0.45
"""Highest frequency that is made, as a fraction of the sampling rate."""
_MAX_HARMONICS = 60
"""More of them are below the noise of a telephone."""


def noise_band(
    rng: np.random.Generator, samples: int, rate_hz: int, low_hz: float, high_hz: float
) -> Wave:
    """Gaussian noise between two frequencies, to the next 50 Hz; skirts of 12 dB per octave."""
    sections = _band_pass(round(low_hz / 50) * 50, round(high_hz / 50) * 50, rate_hz)
    return np.asarray(signal.sosfilt(sections, rng.standard_normal(samples)), np.float64)


@cache
def _band_pass(low_hz: int, high_hz: int, rate_hz: int) -> NDArray[np.float64]:
    high = min(high_hz, _BAND_TOP * rate_hz)
    return signal.butter(2, (min(low_hz, high / 2), high), "band", fs=rate_hz, output="sos")


def coloured_noise(rng: np.random.Generator, samples: int, db_per_octave: float) -> Wave:
    """Noise with a power spectrum of this slope above 20 bins; unit RMS. Pink is -3, white 0."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    bins = np.maximum(np.arange(spectrum.size), 20.0)
    shaped = np.fft.irfft(spectrum * bins ** (db_per_octave / 20 / np.log10(2)), samples)
    return np.asarray(shaped / np.sqrt(np.mean(shaped**2)), np.float64)


def harmonics(rng: np.random.Generator, pitch_hz: Wave, rate_hz: int, db_per_octave: float) -> Wave:
    """A voiced source: harmonics of a pitch contour, float64 [samples], below the band's top.

    The strength of harmonic n falls by `db_per_octave`; their phases are drawn once.
    """
    count = min(max(int(_BAND_TOP * rate_hz / np.max(pitch_hz)), 1), _MAX_HARMONICS)
    fundamental = np.exp(2j * np.pi * np.cumsum(pitch_hz) / rate_hz)
    # A product per harmonic costs a tenth of a cosine.
    harmonic = np.ones_like(fundamental)
    made = np.zeros(pitch_hz.size)
    for number in range(1, count + 1):
        harmonic *= fundamental
        turn = np.exp(1j * rng.uniform(0, 2 * np.pi))
        made += number ** (-db_per_octave / 20 / np.log10(2)) * np.real(harmonic * turn)
    return made


def resonate(sound: Wave, rate_hz: int, peaks: Sequence[tuple[float, float]]) -> Wave:
    """`sound` through parallel resonances.

    Args:
        sound: float64 [samples].
        rate_hz: of `sound`.
        peaks: centre frequency and bandwidth of each, in Hz; those above the band are left out.
    """
    made = np.zeros_like(sound)
    for centre_hz, width_hz in peaks:
        if centre_hz < _BAND_TOP * rate_hz:
            b, a = signal.iirpeak(centre_hz, centre_hz / width_hz, fs=rate_hz)
            made += signal.lfilter(b, a, sound)
    return made


def contour(samples: int, *values: float) -> Wave:
    """A curve through `values` at equal distances, float64 [samples]."""
    return np.interp(np.linspace(0, len(values) - 1, samples), np.arange(len(values)), values)


def burst(samples: int, rate_hz: int, attack_s: float, decay_s: float) -> Wave:
    """An envelope that rises in `attack_s` and then decays by e per `decay_s`; ends at 0."""
    time_s = np.arange(samples) / rate_hz
    made = np.minimum(time_s / attack_s, 1.0) * np.exp(-np.maximum(time_s - attack_s, 0) / decay_s)
    return made * np.minimum((samples - np.arange(samples)) / (0.005 * rate_hz), 1.0)


def swell(samples: int, rise: float = 0.3, fall: float = 0.3) -> Wave:
    """An envelope of 1 with half-cosine edges, as fractions of its length."""
    place = (np.arange(samples) + 0.5) / samples
    edge = np.minimum(np.minimum(place / rise, (1 - place) / fall), 1.0)
    return np.asarray(np.sin(np.pi / 2 * edge) ** 2, np.float64)


def ringing(
    rng: np.random.Generator, samples: int, rate_hz: int, modes: Sequence[tuple[float, float]]
) -> Wave:
    """Struck modes: the frequency in Hz and the time constant in s of each; drawn strengths."""
    time_s = np.arange(samples) / rate_hz
    made = np.zeros(samples)
    for frequency_hz, decay_s in modes:
        if frequency_hz < _BAND_TOP * rate_hz:
            turned = 2 * np.pi * frequency_hz * time_s + rng.uniform(0, 2 * np.pi)
            made += rng.uniform(0.4, 1) * np.exp(-time_s / decay_s) * np.sin(turned)
    return made


def normal(sound: Wave) -> Wave:
    """`sound` with a peak of 1."""
    return sound / max(float(np.max(np.abs(sound))), 1e-12)


def in_sequence(parts: Sequence[Wave], gaps: Sequence[int]) -> Wave:
    """`parts` one after the other, with a silence of `gaps[i]` samples after part i."""
    pieces: list[Wave] = []
    for part, gap in zip(parts, [*gaps, *[0] * (len(parts) - len(gaps))], strict=True):
        pieces += [part, np.zeros(gap)]
    return np.concatenate(pieces)


def to_pcm(sound: Wave, peak_dbfs: float) -> Pcm:
    """int16 [samples] with this peak."""
    return np.rint(normal(sound) * 32767 * 10 ** (peak_dbfs / 20)).astype(np.int16)
