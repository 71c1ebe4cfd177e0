"""Tones that a bot sends: DTMF digits (ITU-T Q.23) and a sign that the line is alive."""

from typing import Final

import numpy as np

from media_pod.providers.ports import Pcm

DIGIT_MS: Final = 100
"""ITU-T Q.24 asks for 40 ms at least; menus behind codecs need more."""
GAP_MS: Final = 100
_LOW_HZ: Final = (697, 770, 852, 941)
_HIGH_HZ: Final = (1209, 1336, 1477)
_KEYS: Final = ("123", "456", "789", "*0#")
_TONE_DBFS: Final = -13.0
"""Of each of the two tones: about -7 dBm0, the middle of what Q.24's administrations accept."""
_RAMP_MS: Final = 5
"""Without a ramp, a codec hears a click."""
_WAIT_HZ: Final = 440
_WAIT_MS: Final = 200
_WAIT_PERIOD_S: Final = 4
_WAIT_DBFS: Final = -30.0


def digit_tones(digits: str, rate_hz: int) -> Pcm:
    """DTMF tones of `digits` (0-9, *, #), each `DIGIT_MS` with `GAP_MS` after it, int16 [samples].

    Raises:
        KeyError: another character.
    """
    gap = np.zeros(rate_hz * GAP_MS // 1000, np.int16)
    parts = [part for digit in digits for part in (_digit(digit, rate_hz), gap)]
    return np.concatenate(parts) if parts else gap[:0]


def waiting_tones(seconds: int, rate_hz: int) -> Pcm:
    """A soft tone every few seconds, for a caller who waits, int16 [samples]."""
    period = np.zeros(rate_hz * _WAIT_PERIOD_S, np.int16)
    tone = _tone((_WAIT_HZ,), _WAIT_MS, _WAIT_DBFS, rate_hz)
    period[: tone.size] = tone
    return np.tile(period, -(-seconds // _WAIT_PERIOD_S))[: seconds * rate_hz]


def _digit(digit: str, rate_hz: int) -> Pcm:
    frequencies = _FREQUENCIES[digit]
    return _tone(frequencies, DIGIT_MS, _TONE_DBFS, rate_hz)


def _tone(frequencies_hz: tuple[int, ...], duration_ms: int, dbfs: float, rate_hz: int) -> Pcm:
    seconds = np.arange(rate_hz * duration_ms // 1000) / rate_hz
    amplitude = 32768 * np.sqrt(2) * 10 ** (dbfs / 20)
    waves = [amplitude * np.sin(2 * np.pi * hz * seconds) for hz in frequencies_hz]
    ramp = np.clip(np.minimum(seconds, seconds[::-1]) * 1000 / _RAMP_MS, 0, 1)
    tone: Pcm = np.rint(np.sum(waves, axis=0) * ramp).astype(np.int16)
    return tone


_FREQUENCIES: Final = {
    key: (low, high)
    for low, row in zip(_LOW_HZ, _KEYS, strict=True)
    for high, key in zip(_HIGH_HZ, row, strict=True)
}
