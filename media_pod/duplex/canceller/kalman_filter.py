"""A frequency-domain Kalman filter in partitioned blocks, many calls in one array step.

The echo path is a Gaussian process per partition and frequency bin, with a variance that says how
uncertain its estimate is (Enzner and Vary, "Frequency-domain adaptive Kalman filter for acoustic
echo control in hands-free telephones", Signal Processing 86, 2006; with partitions: Kuech, Mabande
and Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller",
ICASSP 2014). The variance takes the place of a step size and of a double-talk detector: a voice at
the near end is noise of the observation, and slows the adaptation down at once.

Real and imaginary parts are in planes of their own because NumPy rounds complex products by their
place in an array, and a call's bits must not depend on its row.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from media_pod.duplex.canceller.protocol import PAST_MS
from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.ring import Audio

PARTITIONS: Final = PAST_MS // TICK_MS
"""Of one tick each."""

_START: Final = 0.1
_FALL_DB: Final = 3.0
"""Greatest variance of the echo path: that of ERL 10 dB, falling by 3 dB per partition as a room
with a reverberation time of 400 ms does. With 0.03, 10 dB less ERLE in the first second."""
_MARGIN: Final = np.float32(2.0)
"""Variance over the gain from what was played to what is received, which bounds that of the echo
path: no echo is louder than all that is received. Without this bound the filter fitted the noise of
lines with a faint echo, and took 10 dB of the caller's voice (decision 0034)."""
_GAIN_MEMORY: Final = np.float32(0.95)
"""Per tick in which the bot is audible, of the energies of that gain: 0.4 s."""
_AUDIBLE: Final = np.float32(100.0)
"""RMS of the reference, int16 units, from which on it shows that gain: -50 dBFS."""
_SETTLING_TICKS: Final = 50
"""After it has begun to learn anew, a filter adds noise of its own for a while: no divergence."""
_CHANGE: Final = np.float32(0.001)
"""Share of an echo path's power that changes per tick. Half and twice as much change the ERLE
before the suppressor by at most 1.1 dB."""
_NOISE_MEMORY: Final = np.float32(0.8)
"""Per tick, of the power of the residual. With 0, 4-18 dB less ERLE in the first three seconds;
with 0.9, within 2 dB."""
_LEAST_NOISE: Final = np.float32(1.0)
"""RMS of the least residual, int16 units: below the idle noise of G.711."""
_LEAST_VARIANCE: Final = np.float32(1e-9)
"""An echo path known to -90 dB; a variance of 0 would never learn again."""

_ENERGY_MEMORY: Final = np.float32(0.8)
_DIVERGED: Final = np.float32(1.1)
"""Energy of the residual over that of the received audio, both smoothed, above which the filter
adds echo: the delay has made a step. A caller's voice hardly does this, as the estimate of the echo
is not correlated with it."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """Result of one step of the filter, one row per call."""

    residual: Audio
    """[rows, block] the received audio without the estimated echo."""
    echo_power: Audio
    """[rows, bins] of the estimated echo, on the scale of a transform of two blocks."""
    missed_power: Audio
    """[rows, bins] the echo that the filter expects to have missed, on the same scale."""


class KalmanFilter:
    """Adaptive filters of several calls; the first rows are in use."""

    def __init__(self, rows: int, block: int) -> None:
        """Create filters for up to `rows` calls; `block` is the samples of a tick."""
        self._block = block
        bins = block + 1
        self._spectra = np.zeros((3, 2 * PARTITIONS, rows, bins), np.float32)
        """Real part, imaginary part and power of the reference: a ring over the second axis. Each
        spectrum is written twice, so that the last `PARTITIONS` are one view, oldest first."""
        self._weights = np.zeros((2, PARTITIONS, rows, bins), np.float32)
        """Real and imaginary part of the echo path, its last partition first."""
        self._variance = np.zeros((PARTITIONS, rows, bins), np.float32)
        """Of the weights' error."""
        self._scratch = np.zeros((PARTITIONS, rows, bins), np.float32)
        """For products: arrays of this size that come and go cost more in page faults than the
        arithmetic."""
        self._noise = np.zeros((rows, bins), np.float32)
        """Power of the residual, smoothed."""
        self._energy = np.zeros((rows, 2), np.float32)
        """Smoothed energy of the received audio and of the residual."""
        self._last = np.zeros((rows, block), np.float32)
        """The latest block of the reference."""
        self._gain = np.zeros((rows, 2), np.float32)
        """Smoothed energy of the received audio and of the reference, while that is audible."""
        self._settling = np.zeros(rows, np.intp)
        """Ticks for which a divergence does not count."""
        self._ticks = np.zeros(rows, np.intp)
        fall_db = _FALL_DB * np.arange(PARTITIONS)[::-1, None, None]
        self._start = (_START * 10 ** (-fall_db / 10)).astype(np.float32)
        self._newest = 0

    def reset(self, row: int) -> None:
        """Give `row` the state of a call that begins."""
        for state in self._by_row():
            state[row] = 0
        self.relearn(row)

    def move(self, source: int, target: int) -> None:
        """Copy the state of row `source` to row `target`."""
        for state in self._by_row():
            state[target] = state[source]

    def relearn(self, row: int) -> None:
        """Trust the weights of `row` as little as at the start."""
        self._variance[:, row] = self._most(slice(row, row + 1))[:, 0]
        self._settling[row] = _SETTLING_TICKS

    def replace_past(self, row: int, past: Audio) -> None:
        """Replace the past reference of `row` by [PARTITIONS * block] samples, oldest first."""
        blocks = past.reshape(PARTITIONS, self._block)
        spectra = fft.rfft(np.concatenate([blocks[:-1], blocks[1:]], axis=1), axis=1)
        for age, spectrum in enumerate(spectra[::-1]):
            self._write((self._newest - age) % PARTITIONS, row, spectrum)
        self._last[row] = blocks[-1]

    def step(self, heard: Audio, reference: Audio, live: NDArray[np.bool_]) -> Filtered:
        """One tick of the first rows.

        Args:
            heard: [rows, block] received audio.
            reference: [rows, block] what was played, aligned.
            live: [rows] whether `heard` may hold echo. Digital silence has none: it passes as it
                is, and teaches the filter nothing. Otherwise the weights would die away into
                subnormal numbers, with which arithmetic is slow.
        """
        rows = len(heard)
        self._push(reference)
        self._follow_gain(heard, reference)
        first = self._newest + 1
        spectra = self._spectra[:, first : first + PARTITIONS, :rows]
        weights, variance = self._weights[:, :, :rows], self._variance[:, :rows]
        estimate = _echo(spectra, weights)
        echo = fft.irfft(estimate, axis=1)[:, self._block :]
        residual = heard - echo * live[:, None]
        settling = self._settling[:rows]
        np.maximum(settling - 1, 0, out=settling)
        for row in np.flatnonzero(self._diverged(heard, residual) & (settling == 0)).tolist():
            self.relearn(row)
        missed_power = _summed(variance, spectra[2])
        error = _spectrum_of_newest(residual)
        noise = np.maximum(self._smoothed(power_of(error), live), _LEAST_NOISE**2 * self._block)
        share: Audio = live[:, None].astype(np.float32) / (missed_power + noise)
        self._correct(rows, spectra, error, share)
        self._update_variance(rows, spectra[2], share)
        self._constrain(rows)
        self._ticks[:rows] += 1
        return Filtered(residual, power_of(estimate), missed_power)

    def _by_row(self) -> tuple[NDArray[np.float32] | NDArray[np.intp], ...]:
        """Views of all state, rows first."""
        return (
            np.moveaxis(self._spectra, 2, 0),
            np.moveaxis(self._weights, 2, 0),
            np.moveaxis(self._variance, 1, 0),
            self._noise,
            self._energy,
            self._last,
            self._gain,
            self._settling,
            self._ticks,
        )

    def _push(self, reference: Audio) -> None:
        rows = slice(0, len(reference))
        self._newest = (self._newest + 1) % PARTITIONS
        frame = np.concatenate([self._last[rows], reference], axis=1)
        self._write(self._newest, rows, fft.rfft(frame, axis=1))
        self._last[rows] = reference

    def _write(self, place: int, rows: slice | int, spectrum: NDArray[np.complex64]) -> None:
        for plane, values in enumerate((spectrum.real, spectrum.imag, power_of(spectrum))):
            self._spectra[plane, place, rows] = values
            self._spectra[plane, place + PARTITIONS, rows] = values

    def _follow_gain(self, heard: Audio, reference: Audio) -> None:
        energies = np.stack([np.square(each).sum(axis=1) for each in (heard, reference)], axis=1)
        shows = (energies[:, 0] > 0) & (energies[:, 1] > _AUDIBLE**2 * self._block)
        gain = self._gain[: len(heard)]
        gain += (1 - _GAIN_MEMORY) * shows[:, None] * (energies - gain)

    def _most(self, rows: slice) -> Audio:
        """[PARTITIONS, rows, 1] the greatest variance of some rows."""
        received, played = self._gain[rows].T
        # Of a call in which nothing was played yet, the start.
        bound = _MARGIN * np.divide(received, played, out=np.ones_like(played), where=played > 0)
        share = np.minimum(bound / self._start.sum(), 1)
        most: Audio = self._start * share[None, :, None]
        return most

    def _diverged(self, heard: Audio, residual: Audio) -> NDArray[np.bool_]:
        """[rows] whether the filter adds more echo than it removes."""
        energy = self._energy[: len(heard)]
        for column, samples in enumerate((heard, residual)):
            now = np.square(samples).sum(axis=1)
            energy[:, column] += (1 - _ENERGY_MEMORY) * (now - energy[:, column])
        diverged: NDArray[np.bool_] = energy[:, 1] > _DIVERGED * energy[:, 0]
        return diverged

    def _smoothed(self, power: Audio, live: NDArray[np.bool_]) -> Audio:
        """[rows, bins] power of the residual, smoothed over ticks that are `live`."""
        held = self._noise[: len(power)]
        held += (1 - _NOISE_MEMORY) * live[:, None] * (power - held)
        return held

    def _correct(
        self, rows: int, spectra: Audio, error: NDArray[np.complex64], share: Audio
    ) -> None:
        """Add the Kalman gain, variance x conjugate reference x `share`, x `error`."""
        variance, change = self._variance[:, :rows], self._scratch[:, :rows]
        real, imag = error.real * share, error.imag * share
        for plane, one, other in ((0, real, imag), (1, imag, -real)):
            for spectrum, part in ((spectra[0], one), (spectra[1], other)):
                np.multiply(spectrum, part, out=change)
                change *= variance
                self._weights[plane, :, :rows] += change

    def _update_variance(self, rows: int, power: Audio, share: Audio) -> None:
        """Take off what this tick's observation explained, add what the path may have changed.

        Half of what it explained counts, since half of the transform's samples are zeros.
        """
        variance, change = self._variance[:, :rows], self._scratch[:, :rows]
        np.multiply(power, share * np.float32(-0.5), out=change)
        change *= variance
        change += 1
        variance *= change
        for plane in self._weights[:, :, :rows]:
            np.square(plane, out=change)
            change *= _CHANGE
            variance += change
        np.maximum(variance, _LEAST_VARIANCE, out=variance)
        np.minimum(variance, self._most(slice(0, rows)), out=variance)

    def _constrain(self, rows: int) -> None:
        """Make one partition of each row causal: its impulse response ends after one block.

        One partition per tick in turn gives the ERLE of all, at half the cost.
        """
        every, turn = np.arange(rows), self._ticks[:rows] % PARTITIONS
        chosen = self._weights[:, turn, every]
        response = fft.irfft(_complex(chosen), axis=1)
        response[:, self._block :] = 0
        causal = fft.rfft(response, axis=1)
        self._weights[0, turn, every] = causal.real
        self._weights[1, turn, every] = causal.imag


def power_of(spectrum: NDArray[np.complex64]) -> Audio:
    """[...] squared magnitude of a spectrum."""
    power: Audio = spectrum.real**2 + spectrum.imag**2
    return power


def _complex(planes: Audio) -> NDArray[np.complex64]:
    """A spectrum from its real and imaginary plane, [2, ...]."""
    spectrum = np.empty(planes.shape[1:], np.complex64)
    spectrum.real, spectrum.imag = planes
    return spectrum


def _spectrum_of_newest(block: Audio) -> NDArray[np.complex64]:
    """[rows, bins] of [rows, block] samples after as many zeros."""
    spectrum: NDArray[np.complex64] = fft.rfft(
        np.concatenate([np.zeros_like(block), block], axis=1), axis=1
    )
    return spectrum


def _echo(spectra: Audio, weights: Audio) -> NDArray[np.complex64]:
    """[rows, bins] sum of the partitions' products."""
    (real, imag, _), (weight_real, weight_imag) = spectra, weights
    echo = np.empty(real.shape[1:], np.complex64)
    echo.real = _summed(real, weight_real) - _summed(imag, weight_imag)
    echo.imag = _summed(real, weight_imag) + _summed(imag, weight_real)
    return echo


def _summed(one: Audio, other: Audio) -> Audio:
    """[rows, bins] sum over the partitions of the products of two [PARTITIONS, rows, bins]."""
    summed: Audio = np.einsum("prb,prb->rb", one, other)
    return summed
