"""More speakers out of few, and callers in the field out of studio voices. Pure, and fast enough
to be used each time that a phrase is drawn."""

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft, signal

from interject_lab.material.waves import Pcm

SPEED: Final = (0.85, 1.18)
"""Resampling moves pitch and formants together, as the size of a body does."""
_TILT_DB: Final = 4.0
"""Largest change of level at the ends of the band, against 1 kHz."""
_LOW_CUT_HZ: Final = (150.0, 350.0)
_HIGH_CUT_HZ: Final = (3000.0, 3700.0)
"""Where handsets begin and end to pass: around the band of ITU-T G.712, 300 to 3400 Hz."""
_RT60_S: Final = (0.15, 0.5)
_DIRECT_TO_TAIL_DB: Final = (0.0, 12.0)
_HISS_DB: Final = (20.0, 40.0)
"""Below the speech."""
_HISS_POLE: Final = (-0.3, 0.95)
"""Of a filter of first order: from a bright hiss to the rumble of a street or a fan."""


def varied(pcm: Pcm, rate_hz: int, rng: np.random.Generator) -> Pcm:
    """`pcm` as another speaker with another handset says it.

    Args:
        pcm: int16 [samples].
        rate_hz: of `pcm` and the result.
        rng: draws speed, tilt and band.

    Returns:
        int16 [samples / speed], at the same RMS level unless that clips.
    """
    moved = soxr.resample(pcm.astype(np.float32), rng.uniform(*SPEED), 1.0, "MQ")
    return _at_level_of(pcm, _through_handset(moved, rate_hz, rng))


def in_a_room(pcm: Pcm, rate_hz: int, rng: np.random.Generator) -> Pcm:
    """`pcm` as a microphone in a small room hears it, with hiss; same length and level.

    The room is a direct sound and a tail of noise that decays by 60 dB in 150 to 500 ms (Moorer,
    Computer Music Journal 3(2), 1979).
    """
    rt60_s = rng.uniform(*_RT60_S)
    time_s = np.arange(round(0.75 * rt60_s * rate_hz)) / rate_hz
    tail = rng.standard_normal(time_s.size, np.float32) * 10 ** (-3 * time_s / rt60_s)
    tail *= 10 ** (-rng.uniform(*_DIRECT_TO_TAIL_DB) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    sound = signal.oaconvolve(pcm.astype(np.float32), tail)[: pcm.size]
    hiss = signal.lfilter([1], [1, -rng.uniform(*_HISS_POLE)], rng.standard_normal(pcm.size))
    gain = _rms(sound) / max(_rms(hiss), 1e-12) * 10 ** (-rng.uniform(*_HISS_DB) / 20)
    return _at_level_of(pcm, sound + hiss * gain)


def _through_handset(
    sound: NDArray[np.float32], rate_hz: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A tilt and a band, in one product of spectra."""
    size = fft.next_fast_len(sound.size, real=True)
    frequency_hz = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float32)
    tilt_db = rng.uniform(-_TILT_DB, _TILT_DB) / 2 * np.log2(np.maximum(frequency_hz, 60) / 1000)
    low_hz, high_hz = rng.uniform(*_LOW_CUT_HZ), rng.uniform(*_HIGH_CUT_HZ)
    # Skirts of 24 dB per octave below and 96 above; without phase, so that nothing is delayed.
    low = 1 / (1 + (low_hz / np.maximum(frequency_hz, 1)) ** 4)
    high = 1 / (1 + (frequency_hz / high_hz) ** 16)
    gain = np.exp(tilt_db * np.float32(np.log(10) / 20)) * low * high
    made: NDArray[np.float32] = fft.irfft(fft.rfft(sound, size) * gain, size)[: sound.size]
    return made


def _rms(sound: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))) if sound.size else 0.0


def _at_level_of(pcm: Pcm, sound: NDArray[np.floating]) -> Pcm:
    gain = _rms(pcm) / max(_rms(sound), 1e-12)
    levelled: Pcm = np.clip(np.rint(sound * gain), -32768, 32767).astype(np.int16)
    return levelled
