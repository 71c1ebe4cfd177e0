"""The bot's packets put in order, as a telephone's jitter buffer does: packets in, pieces out.

What comes in order passes at once. What comes too early is held while the missing may still come:
until the telephone has nothing else to play, or too much is held. Then the missing is given up, and
comes it later it is dropped, like a duplicate. A call's first packets are held until the telephone
can begin to play, so that even the very first may be overtaken.

Time is what the timestamps say: the silence between two pieces, lost or never sent, is told with
the second. A timestamp that jumps by more than the time that passed, or back, begins a new time; so
does another source (SSRC).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.codecs import CLOCK_HZ, Codec
from interject_lab.telephones.handset import BUFFER_FRAMES
from interject_lab.telephones.sip.rtp import RtpPacket, distance
from media_pod.duplex.contract import TICK_MS

START_UNITS = BUFFER_FRAMES * TICK_MS * CLOCK_HZ // 1000
"""What the telephone wants to have before it begins to play."""
MAX_HELD = 50
"""Packets that wait for one that is missing: a second of them."""

_SLACK_UNITS = CLOCK_HZ
"""A sender's clock may run ahead of its packets by so much."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A packet's worth of the bot's audio."""

    missing: int
    """Samples of the bot's stream before it that never came."""
    pcm: NDArray[np.int16]
    at_ns: int
    """When its packet came."""


class JitterBuffer:
    """One call's packets from the bot.

    Args:
        codec: the call's; packets of other payload types are in sequence, and no audio.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._ssrc: int | None = None
        self._started = False
        self._next = 0
        """The sequence number that is to come, counted on beyond 16 bits."""
        self._held: dict[int, tuple[RtpPacket, int]] = {}
        self._last: tuple[RtpPacket, int] | None = None
        """The audio that passed last, and when it came."""

    def push(self, packet: RtpPacket, at_ns: int) -> list[Piece]:
        """Take a packet that came at `at_ns`; the pieces that it completes."""
        before = self._of_another_source(packet)
        place = self._next + distance(packet.sequence, self._next % 65536, 16)
        if place >= self._next or not self._started:
            self._held.setdefault(place, (packet, at_ns))
        if not self._started:
            return self._start()
        pieces = before + self._in_order()
        return pieces + self.give_up() if len(self._held) > MAX_HELD else pieces

    def give_up(self) -> list[Piece]:
        """Wait no longer for what is missing next; the pieces that waited behind it."""
        if self._held and self._started:
            self._next = min(self._held)
        return self._in_order()

    def flush(self) -> list[Piece]:
        """Wait for nothing any more; all that waited."""
        self._started = True
        pieces = []
        while self._held:
            pieces += self.give_up()
        return pieces

    def _start(self) -> list[Piece]:
        units = sum(len(packet.payload) for packet, _ in self._held.values())
        self._started = units >= START_UNITS or len(self._held) > MAX_HELD
        return self.give_up()

    def _of_another_source(self, packet: RtpPacket) -> list[Piece]:
        if packet.ssrc == self._ssrc:
            return []
        pieces = self.flush() if self._ssrc is not None else []
        self._ssrc, self._next, self._last = packet.ssrc, packet.sequence, None
        return pieces

    def _in_order(self) -> list[Piece]:
        pieces = []
        while self._started and self._next in self._held:
            packet, at_ns = self._held.pop(self._next)
            self._next += 1
            if packet.payload_type == self._codec.payload_type:
                pieces.append(self._piece(packet, at_ns))
        return pieces

    def _piece(self, packet: RtpPacket, at_ns: int) -> Piece:
        missing_units = 0
        if self._last is not None:
            last, last_ns = self._last
            ahead = distance(packet.timestamp, last.timestamp, 32) - len(last.payload)
            passed = (at_ns - last_ns) * CLOCK_HZ // 1_000_000_000
            missing_units = ahead if 0 < ahead <= passed + _SLACK_UNITS else 0
        self._last = packet, at_ns
        missing = missing_units * self._codec.rate_hz // CLOCK_HZ
        return Piece(missing, self._codec.decode(packet.payload), at_ns)
