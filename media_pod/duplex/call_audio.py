"""Recent audio of both directions of every slot, at the bank's rate and at the tracker's."""

import numpy as np

from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.delay.correlation import RATE_HZ
from media_pod.duplex.resample import Halver
from media_pod.duplex.ring import AudioRing


class CallAudio:
    """Four rings; at 8 kHz two, since the tracker's, the longest ones, serve all parts then."""

    def __init__(self, slots: int, rate: int, tracked: int, window: int, reach: int) -> None:
        """Create rings of zeros.

        Args:
            slots: number of rows.
            rate: of the calls, 8000 or 16000 Hz.
            tracked: samples at 8 kHz that the delay tracker reads.
            window: samples at `rate` that are read of the received audio.
            reach: samples at `rate` that are read of the played audio, the longest lag included.
        """
        block_8k = RATE_HZ * TICK_MS // 1000
        self.caller_8k = AudioRing(slots, tracked, block_8k)
        """Received audio at 8 kHz."""
        self.played_8k = AudioRing(slots, tracked, block_8k)
        """Played audio at 8 kHz."""
        self.caller, self.played = self.caller_8k, self.played_8k
        self._halver = None
        if rate == 2 * RATE_HZ:
            block = rate * TICK_MS // 1000
            self._halver = Halver(slots)
            self.caller = AudioRing(slots, window, block)
            self.played = AudioRing(slots, reach, block)

    def push(self, caller: Pcm, played: Pcm) -> None:
        """Append one tick, int16 [slots, samples] each."""
        self.caller.push(caller)
        self.played.push(played)
        if self._halver is not None:
            both = self._halver(np.stack([caller, played]))
            self.caller_8k.push(both[0])
            self.played_8k.push(both[1])

    def reset(self, slot: int) -> None:
        """Forget the audio of `slot`."""
        for ring in (self.caller, self.played, self.caller_8k, self.played_8k):
            ring.clear(slot)
        if self._halver is not None:
            self._halver.reset(slot)
