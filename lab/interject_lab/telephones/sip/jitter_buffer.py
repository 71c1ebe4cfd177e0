"""The telephone's jitter buffer: the bot's packets in, ordered pieces of audio out.

A packet in order passes at once. An early packet is held while the missing one may still arrive:
until the telephone has nothing else to play, or too many are held. Then the missing packet counts
as lost; if it arrives later it is dropped, like a duplicate. The first packets of a call are held
until playback can start, so that even the first may be overtaken.

Time is that of the RTP timestamps: the gap between two pieces, lost or never sent, comes with the
second. A timestamp that jumps back, or by more than the time that passed, starts a new time line;
so does another source (SSRC).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.codecs import CLOCK_HZ, Codec
from interject_lab.telephones.handset import BUFFER_FRAMES
from interject_lab.telephones.sip.rtp import RtpPacket, distance
from media_pod.duplex.contract import TICK_MS

START_UNITS = BUFFER_FRAMES * TICK_MS * CLOCK_HZ // 1000
"""Audio that the telephone buffers before playback starts."""
MAX_HELD = 50
"""Packets held for a missing one: 1 s."""

_SLACK_UNITS = CLOCK_HZ
"""The largest lead of a sender's timestamps over its packets."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A packet's worth of the bot's audio."""

    missing: int
    """Samples of the bot's stream before it that are lost."""
    pcm: NDArray[np.int16]
    at_ns: int
    """When its packet arrived."""


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
        """The next sequence number, unwrapped beyond 16 bits."""
        self._held: dict[int, tuple[RtpPacket, int]] = {}
        self._last: tuple[RtpPacket, int] | None = None
        """The last packet of audio that passed, and its arrival."""

    def push(self, packet: RtpPacket, at_ns: int) -> list[Piece]:
        """Add a packet that arrived at `at_ns`; returns the pieces that it completes."""
        before = self._of_another_source(packet)
        place = self._next + distance(packet.sequence, self._next % 65536, 16)
        if place >= self._next or not self._started:
            self._held.setdefault(place, (packet, at_ns))
        if not self._started:
            return self._start()
        pieces = before + self._in_order()
        return pieces + self.give_up() if len(self._held) > MAX_HELD else pieces

    def give_up(self) -> list[Piece]:
        """Treat the next missing packet as lost; returns the pieces behind it."""
        if self._held and self._started:
            self._next = min(self._held)
        return self._in_order()

    def flush(self) -> list[Piece]:
        """Release all held packets."""
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
