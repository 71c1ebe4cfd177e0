"""A recording that repeats behind the caller."""

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.impairments import Background
from interject_lab.network.levels import FULL_SCALE, power

Signal = NDArray[np.float64]


class BackgroundLoop:
    """One call's background; it begins at a random place of the loop."""

    def __init__(self, background: Background, tick_samples: int, rng: np.random.Generator) -> None:
        self._tick = tick_samples
        self._period = background.pcm.size
        rms = FULL_SCALE * float(np.sqrt(power(background.pcm)))
        gain = FULL_SCALE * 10 ** (background.level_dbfs / 20) / rms
        # A tick longer, so that one that crosses the loop's end is contiguous too.
        self._sound = np.resize(background.pcm * gain, self._period + tick_samples)
        self._next = int(rng.integers(self._period))

    def step(self) -> Signal:
        """float64 [tick], the next of the loop, on the scale of int16."""
        begin = self._next
        self._next = (begin + self._tick) % self._period
        return self._sound[begin : begin + self._tick]
