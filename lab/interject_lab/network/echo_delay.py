"""The delay of the echo: steps as jitter buffers make them, and the drift of two clocks.

Without drift the lag is a whole number of samples. With drift it grows by the same fraction of a
sample with every sample, and is interpolated by a windowed sinc (Laakso, Valimaki, Karjalainen and
Laine, "Splitting the unit delay", IEEE Signal Processing Magazine, 1996). Each tick crossfades from
the lag at its begin to the lag at its end, so that the echo has no edge between ticks.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.block_filter import push

Signal = NDArray[np.float64]

MAX_DRIFTED_MS: Final = 1000.0
"""Drift moves the lag up by at most this: 55 minutes at 300 ppm."""

_HALF_SAMPLES: Final = 24
"""Of the interpolator. With `_KAISER_BETA` the error up to 3.4 kHz, of 8 kHz, is -59 dB at most."""
_KAISER_BETA: Final = 5.65
_PHASES: Final = 256
"""In between, the taps are interpolated: an error of (pi / 256)^2 / 8, -94 dB."""


def _sinc_table() -> Signal:
    """float64 [phases + 1, taps]: the interpolators for lags of 0 to 1 sample."""
    fraction = np.arange(_PHASES + 1)[:, np.newaxis] / _PHASES
    at = np.arange(-_HALF_SAMPLES, _HALF_SAMPLES) + fraction
    within = np.sqrt(np.maximum(1 - (at / _HALF_SAMPLES) ** 2, 0))
    window = np.i0(_KAISER_BETA * within) / np.i0(_KAISER_BETA)
    return np.asarray(np.sinc(at) * window)


_SINCS: Final = _sinc_table()


class EchoDelay:
    """A delay line for one call.

    Args:
        starts: the sample from which each lag holds; whole ticks, in order, the first 0.
        lags: in samples, one for each start.
        drift_ppm: how fast the lag grows. A lag that drifts keeps 3 ms at 8 kHz, which
            the interpolator needs, and grows by at most `MAX_DRIFTED_MS`.
    """

    def __init__(
        self,
        starts: Sequence[int],
        lags: Sequence[int],
        drift_ppm: float,
        *,
        rate_hz: int,
        tick_samples: int,
    ) -> None:
        self._starts = list(starts)
        self._lags = list(lags)
        self._drift = drift_ppm * 1e-6
        self._tick = tick_samples
        self._max_drifted = rate_hz * MAX_DRIFTED_MS / 1000
        room = round(self._max_drifted) + _HALF_SAMPLES if drift_ppm else 0
        self._history = np.zeros(max(self._lags) + tick_samples + room + 1)
        self._fade_in = np.arange(tick_samples) / tick_samples
        self._position = 0

    def step(self, sound: Signal) -> Signal:
        """One tick: takes and returns float64 [tick], valid until the next step."""
        push(self._history, sound)
        begin = self._position
        self._position += self._tick
        if not self._drift:
            end = self._history.size - self._lags[self._index(begin)]
            return self._history[end - self._tick : end]
        step_lag = self._lags[self._index(begin)]
        first = self._interpolated(self._drifted(step_lag, begin))
        last = self._interpolated(self._drifted(step_lag, self._position))
        return np.asarray(first + (last - first) * self._fade_in)

    def lag_at(self, sample: int) -> float:
        """In samples, of the echo that sample `sample` of the call's output carries."""
        step_lag = self._lags[self._index(sample)]
        return self._drifted(step_lag, sample) if self._drift else step_lag

    def _index(self, sample: int) -> int:
        return max(bisect_right(self._starts, sample) - 1, 0)

    def _drifted(self, step_lag: int, sample: int) -> float:
        drifted = min(self._drift * sample, self._max_drifted)
        return max(step_lag + drifted, float(_HALF_SAMPLES))

    def _interpolated(self, lag: float) -> Signal:
        """The latest tick of the history, `lag` samples late."""
        whole = int(lag)
        row, weight = divmod((lag - whole) * _PHASES, 1)
        lower, upper = _SINCS[int(row)], _SINCS[int(row) + 1]
        start = self._history.size - self._tick - whole - _HALF_SAMPLES
        span = self._history[start : start + self._tick + 2 * _HALF_SAMPLES - 1]
        return np.correlate(span, lower + (upper - lower) * weight, "valid")
