"""Takes down the echo that an adaptive filter leaves, many calls in one array step.

A gain per bin and tick, from two forecasts of the echo in the residual:

- *missed*: what the Kalman filter itself expects to have missed, from the variance of its weights.
  This is most of it before the filter has converged, and after the echo path has moved;
- *leak*: what no linear filter models, as of an overdriven loudspeaker. The amplitude of the
  residual in each band of 800 Hz is regressed on that of the whole estimated echo: distortion falls
  into other bands than the echo that it is of. After Valin, "On adjusting the learning rate in
  frequency domain echo cancellation with double-talk", IEEE Transactions on Audio, Speech and
  Language Processing 15 (3), 2007, which takes a leakage from the covariance of powers. A voice at
  the near end does not follow the envelope of the echo. Where it does by chance, the regression
  explains little of the residual's variance, and counts by that share (R squared).

Frames of two ticks overlap by one, so the output is one tick late.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from media_pod.duplex.canceller.kalman_filter import Filtered, power_of
from media_pod.duplex.ring import Audio

_MISSED: Final = np.float32(8)
"""Overestimation of the missed power. With 4 and 16, without the leak: 1-5 dB less and 1-5 dB more
ERLE; 0.05 and 0.13 dB of a caller's voice over the bot are lost instead of 0.08."""
_LEAK: Final = np.float32(8)
"""Overestimation of the leaked power. With 4, 2-4 dB less ERLE on overdriven lines, and two thirds
of the loss of the caller's voice."""
_LEAST_GAIN: Final = np.float32(0.05)
"""-26 dB."""
_BAND_HZ: Final = 800
"""With 250 Hz, 2-4 dB less ERLE on overdriven lines."""
_MEMORY: Final = np.float32(0.99)
"""Per tick of echo, of the regression: a time constant of 2 s."""
_LEAST_ECHO: Final = np.float32(1.0)
"""RMS of the least estimated echo that the regression learns from, int16 units."""


class ResidualSuppressor:
    """Suppressors of several calls; the first rows are in use."""

    def __init__(self, rows: int, block: int, rate_hz: int) -> None:
        """Create suppressors for up to `rows` calls; `block` is the samples of a tick."""
        self._block = block
        self._width = _BAND_HZ * 2 * block // rate_hz
        """Bins per band."""
        self._held = np.zeros((rows, block), np.float32)
        """The latest block of the residual."""
        self._tail = np.zeros((rows, block), np.float32)
        """The second half of the latest frame of the output."""
        self._last_echo = np.zeros((rows, 1), np.float32)
        self._means = np.zeros((5, rows, block // self._width), np.float32)
        """Smoothed, per band: echo, residual, echo squared, residual squared, echo x residual;
        amplitudes."""
        half = (np.arange(2 * block) + 0.5) / (2 * block)
        self._taper = np.sin(np.pi * half).astype(np.float32)
        """Its square adds up to 1 with that of the next frame."""
        self._least_power = _LEAST_ECHO**2 * block**2
        """Of a spectrum's bins in all, by Parseval's theorem."""

    def reset(self, row: int) -> None:
        """Give `row` the state of a call that begins."""
        for state in self._by_row():
            state[row] = 0

    def move(self, source: int, target: int) -> None:
        """Copy the state of row `source` to row `target`."""
        for state in self._by_row():
            state[target] = state[source]

    def step(self, filtered: Filtered, live: NDArray[np.bool_]) -> Audio:
        """One tick of the first rows: [rows, block] samples, one tick late.

        Args:
            filtered: the filter's result of the same tick.
            live: [rows] whether the received audio may hold echo.
        """
        residual, block = filtered.residual, self._block
        rows = len(residual)
        frame = np.concatenate([self._held[:rows], residual], axis=1)
        self._held[:rows] = residual
        spectrum = fft.rfft(frame * self._taper, axis=1)
        power = power_of(spectrum)
        gain = 1 - _MISSED * filtered.missed_power / np.maximum(power, 1)
        by_leak = 1 - self._leaked_share(filtered.echo_power, power, live)
        # The first bin belongs to no band; telephone lines do not pass it.
        gain[:, 1:] = np.minimum(gain[:, 1:], np.repeat(by_leak, self._width, axis=1))
        np.clip(gain, _LEAST_GAIN, 1, out=gain)
        spectrum.real *= gain
        spectrum.imag *= gain
        output = fft.irfft(spectrum, axis=1) * self._taper
        done: Audio = self._tail[:rows] + output[:, :block]
        self._tail[:rows] = output[:, block:]
        return done

    def _leaked_share(self, echo_power: Audio, power: Audio, live: NDArray[np.bool_]) -> Audio:
        """[rows, bands] leaked over residual power, overestimated; learns from this tick."""
        rows = len(power)
        residual = np.sqrt(self._in_bands(power))
        # Halved: the residual's frame is tapered, that of the echo is not.
        now = self._in_bands(echo_power).sum(axis=1, keepdims=True) / 2
        # A frame has two ticks: the louder one counts.
        echo_total = np.maximum(self._last_echo[:rows], now)
        self._last_echo[:rows] = now
        learns = live[:, None] & (echo_total > self._least_power)
        echo = np.sqrt(echo_total)
        means = self._means[:, :rows]
        change = np.empty_like(means)
        change[0], change[1], change[2], change[3] = echo, residual, echo_total, residual**2
        change[4] = echo * residual
        change -= means
        change *= (1 - _MEMORY) * learns
        means += change
        echo_mean, residual_mean, echo_square, residual_square, crossed = means
        covariance = np.maximum(crossed - echo_mean * residual_mean, 0)
        echo_variance = np.maximum(echo_square - echo_mean**2, 1)
        residual_variance = np.maximum(residual_square - residual_mean**2, 1)
        slope = covariance / echo_variance
        explained = np.minimum(slope * covariance / residual_variance, 1)
        share: Audio = _LEAK * explained * (slope * echo) ** 2 / np.maximum(residual**2, 1)
        return share

    def _in_bands(self, power: Audio) -> Audio:
        """[rows, bands] sums over bands of [rows, bins]."""
        sums: Audio = power[:, 1:].reshape(len(power), -1, self._width).sum(axis=2)
        return sums

    def _by_row(self) -> tuple[Audio, ...]:
        return (self._held, self._tail, self._last_echo, np.moveaxis(self._means, 1, 0))
