"""Silero VAD for all calls in one batch: the network as NumPy matrix products, with state per call.

The network is Silero VAD version 5: a short-time Fourier basis, four convolutions, one LSTM cell,
one output; weights.py loads its weights. One batch of NumPy products takes a tenth of the time of
the JIT model called per call; see docs/decisions/0002-silero-as-matrix-products.md.

A window is 32 ms and a tick is 20 ms, so eight ticks contain five windows. Calls of different
phases share out the work over the ticks.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.products import product
from media_pod.duplex.vad.weights import load_weights

_HIDDEN: Final = 128
_FRAMES: Final = 4
_STRIDES: Final = (1, 2, 2, 1)
_HALF: Final = np.float32(0.5)
_HALVED: Final = np.array([0.5, 0.5, 1.0, 0.5], np.float32)
"""Factor of the gates in, forget, candidate, out: three need tanh(x / 2), and halving is exact."""


class _Convolution:
    """A padded convolution of width 3 over frames, and a rectifier."""

    def __init__(self, kernel: NDArray[np.float32], bias: NDArray[np.float32], stride: int) -> None:
        """Make one matrix of `kernel`, [channels out, channels in, 3], for every output frame."""
        self._matrix = np.ascontiguousarray(kernel.transpose(0, 2, 1).reshape(len(kernel), -1))
        self._bias, self._stride = bias, stride

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """[rows, frames, channels] in and out."""
        rows, frames, channels = x.shape
        padded = np.zeros((rows, frames + 2, channels), np.float32)
        padded[:, 1:-1] = x
        # Slices: making a view of windows takes as long as a product for one call.
        threes = np.concatenate(
            [padded[:, first : first + frames : self._stride] for first in range(3)], axis=2
        )
        out = product(threes.reshape(-1, 3 * channels), self._matrix)
        out += self._bias
        np.maximum(out, 0, out=out)
        return out.reshape(rows, -1, out.shape[1])


class SileroNetwork:
    """The network for single windows: rows of samples and states in, probabilities out."""

    def __init__(self, rate: int) -> None:
        if rate not in (8000, 16000):
            raise ValueError(f"Silero runs at 8000 or 16000 Hz, not at {rate} Hz")

        weights = load_weights(rate)
        self.window = rate * 32 // 1000
        self.context = self.window // 8
        self._basis = np.ascontiguousarray(weights["stft.forward_basis_buffer"][:, 0])
        layers = [f"encoder.{index}.reparam_conv" for index in range(len(_STRIDES))]
        self._layers = [
            _Convolution(weights[f"{name}.weight"], weights[f"{name}.bias"], stride)
            for name, stride in zip(layers, _STRIDES, strict=True)
        ]
        gates = np.concatenate(
            [weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]], axis=1
        )
        halved = np.repeat(_HALVED, _HIDDEN)
        self._gates = gates * halved[:, None]
        self._gate_bias = (weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]) * halved
        self._out = weights["decoder.decoder.2.weight"].reshape(_HIDDEN)
        self._out_bias = weights["decoder.decoder.2.bias"][0]

    def _spectrum(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """[rows, frames, bins] magnitudes of [rows, context + window] samples."""
        reflected = samples[:, -2 : -self.context - 2 : -1]
        padded = np.concatenate([samples, reflected], axis=1)
        size, bins = self._basis.shape[1], len(self._basis) // 2
        hop = size // 2
        starts = range(0, _FRAMES * hop, hop)
        frames = np.stack([padded[:, start : start + size] for start in starts], axis=1)
        parts = product(frames.reshape(-1, size), self._basis)
        np.square(parts, out=parts)
        magnitude: NDArray[np.float32] = np.sqrt(parts[:, :bins] + parts[:, bins:])
        return magnitude.reshape(len(samples), _FRAMES, bins)

    def __call__(
        self, samples: NDArray[np.float32], state: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Process one window of each row.

        Args:
            samples: [rows, context + window], full scale 1.
            state: [rows, 2 * 128], hidden and cell state of the LSTM.

        Returns:
            [rows] speech probabilities 0..1, and the new state.
        """
        x = self._spectrum(samples)
        for layer in self._layers:
            x = layer(x)

        gates = product(np.concatenate([x[:, 0], state[:, :_HIDDEN]], axis=1), self._gates)
        gates += self._gate_bias
        np.tanh(gates, out=gates)
        into, forget, candidate, out = gates.reshape(len(x), 4, _HIDDEN).transpose(1, 0, 2)
        cell = _sigmoid(forget) * state[:, _HIDDEN:] + _sigmoid(into) * candidate
        hidden = _sigmoid(out) * np.tanh(cell)
        logit = (np.maximum(hidden, 0) * self._out).sum(axis=1) + self._out_bias
        return _sigmoid(np.tanh(logit * _HALF)), np.concatenate([hidden, cell], axis=1)


def _sigmoid(tanh_of_half: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function of x, from tanh(x / 2), which cannot overflow."""
    logistic: NDArray[np.float32] = tanh_of_half * _HALF + _HALF
    return logistic


class SileroVad:
    """Speech probability of every slot, updated after each 32 ms window of the slot."""

    def __init__(self, slots: int, rate: int) -> None:
        self._network = SileroNetwork(rate)
        self._tick = rate * TICK_MS // 1000
        # A due window ends at most one tick minus one sample before the newest sample.
        length = self._network.context + self._network.window + self._tick
        self._recent = np.zeros((slots, length), np.float32)
        size = self._network.context + self._network.window
        self._windows = sliding_window_view(self._recent, size, axis=1)
        self._waiting = np.zeros(slots, np.int64)
        self._open = np.zeros(slots, np.bool_)
        self._state = np.zeros((slots, 2 * _HIDDEN), np.float32)
        self._speech = np.zeros(slots, np.float32)

    def open(self, slot: int, phase: int = 0) -> None:
        """Start `slot` with initial state, `phase` ticks into the cycle of its windows."""
        self.close(slot)
        self._open[slot] = True
        self._waiting[slot] = phase * self._tick % self._network.window

    def close(self, slot: int) -> None:
        """Stop processing `slot`."""
        self._open[slot] = False
        self._recent[slot] = 0
        self._state[slot] = 0
        self._speech[slot] = 0

    def step(self, pcm: Pcm) -> NDArray[np.float32]:
        """Take one tick, int16 [slots, samples], and return the probabilities, [slots].

        The probability is that of the slot's last complete window, which ended 0 to 20 ms ago.
        """
        recent, tick = self._recent, self._tick
        recent[:, :-tick] = recent[:, tick:].copy()
        np.multiply(pcm, np.float32(1 / 32768), out=recent[:, -tick:])
        self._waiting += tick
        due = np.flatnonzero((self._waiting >= self._network.window) & self._open)
        if due.size == 0:
            return self._speech.copy()

        self._waiting[due] -= self._network.window
        windows = self._windows[due, self._windows.shape[1] - 1 - self._waiting[due]]
        self._speech[due], self._state[due] = self._network(windows, self._state[due])
        return self._speech.copy()
