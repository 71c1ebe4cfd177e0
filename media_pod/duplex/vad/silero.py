"""Silero VAD for all calls at once: its network as plain matrix products, with per-call state.

The network is version 5 of Silero's: a short-time Fourier basis, four convolutions, one LSTM cell,
one output; vad_weights.py says where its weights come from. Run as one batch of NumPy products it
costs a tenth of the JIT model called per call; docs/decisions/0002-silero-as-matrix-products.md has
the comparison.

One window is 32 ms and a tick is 20 ms, so that five windows fall into eight ticks. Slots start at
eight different phases, which keeps the work of a tick even.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.vad.weights import load_weights

_HIDDEN: Final = 128
_FRAMES: Final = 4
_PHASES_OF_8_KHZ: Final = (0, 160, 64, 224, 128, 32, 192, 96)
"""Samples that a slot starts with: every multiple of 32 below 256, in the order in which a slot
passes through them, so that equally filled phases give 5/8 of the slots in every tick."""


def _dense(kernel: NDArray[np.float32], frames_in: int, stride: int) -> NDArray[np.float32]:
    """A padded width-3 convolution over a few frames, as one matrix [in, out].

    Rows are (frame, channel) of the input, columns (frame, channel) of the output.
    """
    channels_out, channels_in, _ = kernel.shape
    frames_out = (frames_in - 1) // stride + 1
    dense = np.zeros((frames_in, channels_in, frames_out, channels_out), np.float32)
    for out in range(frames_out):
        for tap in range(3):
            frame = out * stride + tap - 1
            if 0 <= frame < frames_in:
                dense[frame, :, out, :] = kernel[:, :, tap].T
    return dense.reshape(frames_in * channels_in, frames_out * channels_out)


class SileroNetwork:
    """The network without its window schedule: rows of samples and states in, probabilities out."""

    def __init__(self, rate: int) -> None:
        if rate not in (8000, 16000):
            raise ValueError(f"Silero runs at 8000 or 16000 Hz, not at {rate} Hz")

        weights = load_weights(rate)
        self.window = rate * 32 // 1000
        self.context = self.window // 8
        self._basis = np.ascontiguousarray(weights["stft.forward_basis_buffer"][:, 0, :].T)
        self._layers = []
        frames = _FRAMES
        for index, stride in enumerate((1, 2, 2, 1)):
            kernel = weights[f"encoder.{index}.reparam_conv.weight"]
            matrix = _dense(kernel, frames, stride)
            frames = (frames - 1) // stride + 1
            bias = np.tile(weights[f"encoder.{index}.reparam_conv.bias"], frames)
            self._layers.append((matrix, bias))

        self._gates = np.concatenate(
            [weights["decoder.rnn.weight_ih"], weights["decoder.rnn.weight_hh"]], axis=1
        ).T.copy()
        self._gate_bias = weights["decoder.rnn.bias_ih"] + weights["decoder.rnn.bias_hh"]
        self._out = weights["decoder.decoder.2.weight"].reshape(_HIDDEN)
        self._out_bias = weights["decoder.decoder.2.bias"][0]

    def _spectrum(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Magnitudes [rows, frames * bins] of rows of context + window samples."""
        reflected = samples[:, -2 : -self.context - 2 : -1]
        padded = np.concatenate([samples, reflected], axis=1)
        size, bins = len(self._basis), self._basis.shape[1] // 2
        hop = size // 2
        frames = sliding_window_view(padded, size, axis=1)[:, : _FRAMES * hop : hop]
        parts = frames.reshape(-1, size) @ self._basis
        magnitude = np.sqrt(parts[:, :bins] ** 2 + parts[:, bins:] ** 2)
        spectrum: NDArray[np.float32] = magnitude.reshape(len(samples), _FRAMES * bins)
        return spectrum

    def __call__(
        self, samples: NDArray[np.float32], state: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One window of each row.

        Args:
            samples: [rows, context + window], full scale 1.
            state: [rows, 2 * 128], hidden and cell state of the LSTM.

        Returns:
            Probabilities [rows] in 0..1, and the new state.
        """
        x = self._spectrum(samples)
        for matrix, bias in self._layers:
            x = np.maximum(x @ matrix + bias, 0, dtype=np.float32)

        hidden, cell = state[:, :_HIDDEN], state[:, _HIDDEN:]
        gates = np.concatenate([x, hidden], axis=1) @ self._gates + self._gate_bias
        into, forget, candidate, out = np.split(gates, 4, axis=1)
        cell = _sigmoid(forget) * cell + _sigmoid(into) * np.tanh(candidate)
        hidden = _sigmoid(out) * np.tanh(cell)
        logit = np.maximum(hidden, 0) @ self._out + self._out_bias
        return _sigmoid(logit), np.concatenate([hidden, cell], axis=1)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function by tanh, which cannot overflow."""
    half = np.float32(0.5)
    logistic: NDArray[np.float32] = np.tanh(x * half) * half + half
    return logistic


class SileroVad:
    """Speech probability of every slot, updated at each slot's own 32 ms windows."""

    def __init__(self, slots: int, rate: int) -> None:
        self._network = SileroNetwork(rate)
        self._tick = rate * TICK_MS // 1000
        self._phases = [phase * rate // 8000 for phase in _PHASES_OF_8_KHZ]
        # A due window ends up to one tick less a sample ago.
        length = self._network.context + self._network.window + self._tick
        self._recent = np.zeros((slots, length), np.float32)
        self._waiting = np.zeros(slots, np.int64)
        self._phase = np.full(slots, -1, np.int64)
        self._state = np.zeros((slots, 2 * _HIDDEN), np.float32)
        self._speech = np.zeros(slots, np.float32)

    def open(self, slot: int) -> None:
        """Start `slot` afresh, in the phase that the fewest slots have."""
        self.close(slot)
        counts = [int(np.sum(self._phase == index)) for index in range(len(self._phases))]
        self._phase[slot] = counts.index(min(counts))
        self._waiting[slot] = self._phases[self._phase[slot]]

    def close(self, slot: int) -> None:
        """Leave `slot` out of the work."""
        self._phase[slot] = -1
        self._recent[slot] = 0
        self._state[slot] = 0
        self._speech[slot] = 0

    def step(self, pcm: Pcm) -> NDArray[np.float32]:
        """Take one tick of every slot: int16 [slots, samples] in, probabilities [slots] out.

        A slot's probability is that of its last whole window: 0 to 20 ms old.
        """
        recent, tick = self._recent, self._tick
        recent[:, :-tick] = recent[:, tick:].copy()
        np.multiply(pcm, np.float32(1 / 32768), out=recent[:, -tick:])
        self._waiting += tick
        due = np.flatnonzero((self._waiting >= self._network.window) & (self._phase >= 0))
        if due.size == 0:
            return self._speech.copy()

        self._waiting[due] -= self._network.window
        size = self._network.context + self._network.window
        starts = recent.shape[1] - size - self._waiting[due]
        windows = sliding_window_view(recent, size, axis=1)[due, starts]
        self._speech[due], self._state[due] = self._network(windows, self._state[due])
        return self._speech.copy()
