"""The gain of the bot's voice, which is lower while the bank is in doubt (ducking).

The gain moves along a ramp that is linear in dB, which is heard as an even change: down within half
a frame, up slowly. A ramp has no step that would be heard as a click.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.providers.ports import Pcm

DUCK_DB: Final = 15.0
"""How far down: the bot is clearly in the background, and its words can still be followed, so that
a duck for nothing costs the caller no word."""
ATTACK_MS: Final = 10
"""From 0 dB down: as long as a stop's fade, within the frame after the decision."""
RELEASE_MS: Final = 200
"""Back to 0 dB. About a syllable: a voice that came back faster would seem to start anew."""
_ATTACK_STEP: Final = RELEASE_MS // ATTACK_MS
"""Positions per sample on the way down; on the way up it is one."""


class DuckGain:
    """The gain of one call's bot.

    Args:
        rate_hz: of the audio.
    """

    def __init__(self, rate_hz: int) -> None:
        self._lowest = rate_hz * RELEASE_MS // 1000
        self._gains = _gains(self._lowest)
        self.ducked = False
        """Where the gain goes from the next sample on: to -`DUCK_DB`, or else to 0 dB."""
        self.position = 0
        """Of the latest sample on the ramp: how many samples of release are left to 0 dB."""

    def apply(self, pcm: Pcm) -> Pcm:
        """The next samples at their gain, int16 [samples]; `pcm` itself at 0 dB."""
        if not pcm.size or not (self.ducked or self.position):
            return pcm
        passed = np.arange(1, pcm.size + 1)
        if self.ducked:
            positions = np.minimum(self.position + _ATTACK_STEP * passed, self._lowest)
        else:
            positions = np.maximum(self.position - passed, 0)
        self.position = int(positions[-1])
        return np.rint(pcm * self._gains[positions]).astype(np.int16)


@cache
def _gains(lowest: int) -> NDArray[np.float64]:
    """[lowest + 1] the factor at each position, 1 first."""
    return 10 ** (np.linspace(0, -DUCK_DB, lowest + 1) / 20)
