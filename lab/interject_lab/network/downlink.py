"""The bot's sound on its way out of the caller's loudspeaker: a low-rate codec, and overdrive."""

import math

import numpy as np
from numpy.typing import NDArray

from interject_lab.errors import LabError
from interject_lab.network.impairments import Impairments
from interject_lab.network.levels import FULL_SCALE, active_level_dbfs
from interject_lab.network.low_rate import low_rate_link

Pcm = NDArray[np.int16]
Signal = NDArray[np.float64]


class Downlink:
    """One call's; without codec and overdrive it changes nothing.

    Args:
        impairments: those two of them.
        bot_speech: int16 [samples], whose active level the overdrive is relative to.
        rate_hz: of the line.

    Raises:
        LabError: a codec that the line's rate does not fit, or silence to be overdriven.
    """

    def __init__(self, impairments: Impairments, bot_speech: Pcm, rate_hz: int) -> None:
        codec = impairments.low_rate
        self._codec = low_rate_link(codec, rate_hz) if codec else None
        self.delay_samples = self._codec.delay_samples if self._codec else 0
        self._drive = 0.0
        """What a sample is multiplied with before tanh; 0 for a linear loudspeaker."""
        if impairments.overdrive:
            level_dbfs = active_level_dbfs(bot_speech, rate_hz)
            if level_dbfs == -math.inf:
                raise LabError("the bot speech to overdrive is silent: expected some seconds of it")
            self._drive = impairments.overdrive / (FULL_SCALE * 10 ** (level_dbfs / 20))

    def step(self, frame: Pcm) -> Signal:
        """One tick: takes int16 [tick], returns float64 [tick] on the scale of int16."""
        sound = (self._codec.roundtrip(frame) if self._codec else frame).astype(np.float64)
        return np.tanh(sound * self._drive) / self._drive if self._drive else sound
