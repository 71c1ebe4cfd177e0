"""Echo paths: impulse responses from the bot's voice to its echo.

Two kinds are drawn from a generator. A *hybrid* is the two-to-four-wire junction of a telephone
line: a few milliseconds of dispersion, in the ranges that ITU-T G.168 annex D models lie in. A
*room* is a loudspeaker heard by a microphone on the same table: a direct sound, some reflections
and a decaying tail.
Two more are given: a single tap, and any measured impulse response.
All have unit gain for speech; `TelephoneLine` sets the loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from interject_lab.errors import LabError

Taps = NDArray[np.float64]
PathKind = Literal["hybrid", "room"]
"""The kinds that are drawn."""

_TELEPHONE_BAND_HZ = (250.0, 3400.0)
_TAIL_DB = 45.0
"""A room's tail is cut where it has decayed by this much: below the quantising noise of G.711."""


@dataclass(frozen=True, slots=True, eq=False)
class EchoPath:
    """An impulse response with unit gain for speech."""

    kind: PathKind | Literal["single_tap", "measured"]
    rate_hz: int
    taps: Taps
    """float64 [length]"""

    @property
    def main_lag_samples(self) -> int:
        """Position of the strongest tap: the path's own part of the echo's delay."""
        return int(np.argmax(np.abs(self.taps)))


def hybrid(rng: np.random.Generator, rate_hz: int = 8000) -> EchoPath:
    """A hybrid: 8-16 ms long, beginning at 0.75-4.4 ms, a damped oscillation in the voice band."""
    length = round(rng.uniform(0.008, 0.016) * rate_hz)
    start_s = min(rng.uniform(0.00075, 0.0044), length / rate_hz / 2)
    time_s = np.arange(length) / rate_hz - start_s
    taps = np.zeros(length)
    for weight in (1.0, 0.6, 0.3):
        decay_s = rng.uniform(0.0006, 0.0025)
        frequency_hz, phase = rng.uniform(400, 2800), rng.uniform(0, 2 * np.pi)
        ringing = np.cos(2 * np.pi * frequency_hz * time_s + phase)
        taps += weight * np.exp(-np.maximum(time_s, 0) / decay_s) * ringing * (time_s >= 0)
    fade = round(0.25 * length)
    taps[-fade:] *= np.hanning(2 * fade)[fade:]
    return EchoPath("hybrid", rate_hz, _unit_gain(_band_limited(taps, rate_hz), rate_hz))


def room(rng: np.random.Generator, rate_hz: int = 8000) -> EchoPath:
    """A small room: RT60 of 150-350 ms, a direct sound within 2 ms, early reflections to 25 ms."""
    rt60_s = rng.uniform(0.150, 0.350)
    length = round(rt60_s * _TAIL_DB / 60 * rate_hz)
    time_s = np.arange(length) / rate_hz
    direct = round(rng.uniform(0.0003, 0.002) * rate_hz)
    tail = rng.standard_normal(length) * 10 ** (-3 * time_s / rt60_s)
    tail[: direct + round(0.002 * rate_hz)] = 0
    direct_to_tail_db = rng.uniform(2, 8)
    taps = tail / np.sqrt(np.sum(tail**2)) * 10 ** (-direct_to_tail_db / 20)
    taps[direct] += 1.0
    for delay_s in rng.uniform(0.002, 0.025, size=8):
        loss = rng.uniform(0.15, 0.4) * 10 ** (-3 * delay_s / rt60_s)
        taps[min(direct + round(delay_s * rate_hz), length - 1)] += loss * rng.choice((-1.0, 1.0))
    return EchoPath("room", rate_hz, _unit_gain(_band_limited(taps, rate_hz), rate_hz))


def single_tap(rate_hz: int = 8000) -> EchoPath:
    """An echo without dispersion or delay of its own, as a digital loop makes it."""
    return EchoPath("single_tap", rate_hz, np.ones(1))


def measured(taps: Taps, rate_hz: int) -> EchoPath:
    """A given impulse response: a recording's, or one of the hybrids that ITU-T G.168 tabulates.

    Args:
        taps: float64 [length], at any scale. G.168's (annex D) are for 8000 Hz.
        rate_hz: of the taps.

    Raises:
        LabError: taps that are not a row of finite numbers, or without sound.
    """
    if taps.ndim != 1 or not np.all(np.isfinite(taps)) or not np.any(taps):
        raise LabError(
            f"an impulse response of shape {taps.shape}: expected one row of finite numbers, "
            "not all 0"
        )
    return EchoPath("measured", rate_hz, _unit_gain(taps.astype(np.float64), rate_hz))


PATHS: dict[PathKind, Callable[[np.random.Generator, int], EchoPath]] = {
    "hybrid": hybrid,
    "room": room,
}


def _band_limited(taps: Taps, rate_hz: int) -> Taps:
    """`taps` behind the filters of a telephone; these are causal and delay by under 0.5 ms."""
    sections = signal.butter(2, _TELEPHONE_BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    return np.asarray(signal.sosfilt(sections, taps), dtype=np.float64)


def _unit_gain(taps: Taps, rate_hz: int) -> Taps:
    """`taps` scaled to unit power gain for the long-term spectrum of speech.

    The spectrum is flat from 100 to 500 Hz and falls by 9 dB per octave above.
    """
    gain = np.abs(np.fft.rfft(taps, 8192)) ** 2
    frequency_hz = np.fft.rfftfreq(8192, 1 / rate_hz)
    speech = np.where(frequency_hz < 100, 0, np.maximum(frequency_hz / 500, 1) ** -3.0)
    return np.asarray(taps / np.sqrt(np.sum(gain * speech) / np.sum(speech)))
