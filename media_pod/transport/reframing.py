"""One caller's audio, re-framed from what arrived to exactly 20 ms per tick. No I/O, no clock.

Neither protocol has sequence numbers or timestamps. Packets of audio are as long as the caller's
RTP packets (10 to 60 ms), none comes while the caller's phone is silent (mute, DTX) or a digit is
down (180 ms), and a packet that the network lost is missing. TCP keeps the order, so late audio
arrives in front of its successor, together with it or a tick earlier.

The echo's delay depends on where in the blocks a caller's sample lies, counted in ticks. These
rules hold it steady:

- **Too little is queued.** Zeros take the place of the missing audio, in the tick in which it was
  due. They go where the hole is: behind the audio at the hole's beginning, in front of it at its
  end.
- **The audio was lost.** Then the zeros stand exactly for what was lost, what follows lies where
  it would have been, and nothing has slipped.
- **The audio was late.** Then it comes after its zeros, and everything from it on lies later than
  before: it has slipped by as much as was filled. The two cases can be told apart once audio comes
  again: late audio leaves more in the queue than any tick before the hole had left there
  (`_high`). From then on that much is queued, so the next packet that is as late makes no hole.
- **Too much has been queued for 2 s.** No tick of them needed the oldest whole blocks, so the line
  is steadier than it was: they are dropped, one per tick, and the audio lies that much earlier.
- **More than 200 ms are queued**, and more than the longest packet so far and 200 ms. The oldest is
  dropped at once.

So the stream starts without any reserve, and pays one hole for a reserve when it turns out that
the line needs one. A reserve for every call would hide the loss of a packet (which would use it up,
and move the echo), and would cost every interruption 20 ms.

`slipped` adds up to where the audio lies now against where it lay at the start. It leaves out two
movements, which cannot be distinguished from a lost packet: a line that is slower for good, and a
packet lost while more is queued than the line needs, until the next late packet takes its place.
"""

from typing import Final, NamedTuple

from media_pod.duplex.contract import TICK_MS

MAX_QUEUED_MS: Final = 200
"""Three of the longest usual packets (60 ms), and a tick."""
MAX_PACKET_MS: Final = 1000
"""Of a longer packet the beginning is dropped."""
SURPLUS_TICKS: Final = 100
"""2 s: how long blocks must have been spare before they are dropped."""
DOUBT_TICKS: Final = 50
"""1 s: a hole whose audio has not arrived by then, counted from its end, was a loss."""

_SAMPLE_BYTES = 2


class Block(NamedTuple):
    """One tick of a caller's audio."""

    pcm: bytes
    """Exactly 20 ms, linear PCM, 16 bits, little endian."""
    filled: int
    """Samples of `pcm` that are filled with zeros, because no audio was there."""
    dropped: int
    """Samples that arrived and were dropped since the block before."""
    slipped: int
    """Samples by which filling or dropping moved this block's audio later (positive) or earlier
    (negative) than that of the block before."""


class CallerStream:
    """The queue between a caller's packets and the ticks; see the module for its rules."""

    def __init__(self, rate_hz: int) -> None:
        self._block = rate_hz * TICK_MS // 1000 * _SAMPLE_BYTES
        self._usual_queued = self._max_queued = self._block * MAX_QUEUED_MS // TICK_MS
        self._longest_packet = self._block * MAX_PACKET_MS // TICK_MS
        self._zeros = bytes(self._block)
        # From here on everything is counted in bytes; `take` gives samples.
        self._queue = bytearray()
        self._dropped = 0
        self._started = False
        self._in_hole = True
        self._doubtful = 0
        """Filled, and not yet known whether for lost or for late audio."""
        self._doubt_ticks = 0
        self._high = 0
        """The most that a tick of this window or the last one left in the queue."""
        self._window_high = 0
        self._window_ticks = 0
        self._low = 0
        """The least that a tick left in the queue since it last left less than a block."""
        self._low_ticks = 0
        self._to_drop = 0

    def push(self, pcm: bytes) -> None:
        """Take a packet's samples, whole ones, in the order of their arrival."""
        self._queue += pcm
        if len(pcm) > self._usual_queued:
            longest = min(len(pcm), self._longest_packet) + self._usual_queued
            self._max_queued = max(self._max_queued, longest)
        excess = len(self._queue) - self._max_queued
        if excess > 0:
            del self._queue[:excess]
            self._dropped += excess

    def take(self) -> Block:
        """The next 20 ms; to be called once per tick, after this tick's `push`es."""
        queue = self._queue
        if not self._started:
            if not queue:
                return Block(self._zeros, self._block // _SAMPLE_BYTES, 0, 0)
            self._started = True
        block = self._block
        if self._to_drop and len(queue) >= 2 * block:
            del queue[:block]
            self._dropped += block
            self._to_drop -= block
        pcm = bytes(queue[:block])
        del queue[:block]
        filled = block - len(pcm)
        if filled:
            pcm = self._fill(pcm, filled)
        else:
            self._in_hole = False
        dropped, self._dropped = self._dropped, 0
        slipped = self._settle(filled, dropped)
        self._watch_surplus()
        return Block(
            pcm, filled // _SAMPLE_BYTES, dropped // _SAMPLE_BYTES, slipped // _SAMPLE_BYTES
        )

    def _fill(self, pcm: bytes, filled: int) -> bytes:
        """`pcm` made a block; the zeros join those of the hole before it, or begin one."""
        zeros = self._zeros[:filled]
        if self._in_hole and pcm:
            self._in_hole = False
            return zeros + pcm
        self._in_hole = True
        return pcm + zeros

    def _settle(self, filled: int, dropped: int) -> int:
        """Bytes by which the audio has slipped in this tick."""
        # Audio that was dropped had arrived: it counts as evidence of late audio all the same.
        left = len(self._queue) + dropped
        late = 0
        if self._doubtful and left > self._high:
            late = min(self._doubtful, left - self._high)
            self._doubtful -= late
        if filled:
            self._doubtful += filled
            self._doubt_ticks = DOUBT_TICKS
        elif self._doubt_ticks:
            self._doubt_ticks -= 1
            if not self._doubt_ticks:
                self._doubtful = 0
        self._watch_high(left, dropped, window_moves=not filled)
        return late - dropped

    def _watch_high(self, left: int, dropped: int, *, window_moves: bool) -> None:
        # Only ticks with audio move the window: after a long pause the line's habits still hold.
        self._window_high = max(self._window_high, left) - dropped
        self._high = max(self._high, left) - dropped
        if window_moves:
            self._window_ticks += 1
            if self._window_ticks == SURPLUS_TICKS:
                self._high = self._window_high
                self._window_high = len(self._queue)
                self._window_ticks = 0

    def _watch_surplus(self) -> None:
        left = len(self._queue)
        if left < self._block or self._to_drop:
            self._low_ticks = 0
            if left < self._block:
                self._to_drop = 0
            return
        self._low = min(self._low, left) if self._low_ticks else left
        self._low_ticks += 1
        if self._low_ticks == SURPLUS_TICKS:
            self._to_drop = self._low - self._low % self._block
            self._low_ticks = 0
