"""A long FIR filter over a stream in blocks, by FFT."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Signal = NDArray[np.float64]


class BlockFilter:
    """Convolves a stream with `taps`; starts from silence.

    Overlap-save: Oppenheim and Schafer, Discrete-Time Signal Processing, section 8.7.3.
    """

    def __init__(self, taps: Signal, block_samples: int) -> None:
        self._block = block_samples
        self._heard = np.zeros(taps.size - 1 + block_samples)
        self._fft_size: int = fft.next_fast_len(self._heard.size, real=True)
        self._spectrum = fft.rfft(taps, self._fft_size)

    def step(self, block: Signal) -> Signal:
        """float64 [block] of the filtered stream."""
        push(self._heard, block)
        # Of the circular result only the last block is free of wrap-around.
        product = fft.rfft(self._heard, self._fft_size) * self._spectrum
        filtered = fft.irfft(product, self._fft_size)
        return np.asarray(filtered[self._heard.size - self._block : self._heard.size])


def push(history: Signal, block: Signal) -> None:
    """Append `block` to `history` in place; the oldest samples leave it."""
    history[: -block.size] = history[block.size :]
    history[-block.size :] = block
