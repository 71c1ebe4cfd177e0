"""The media of one call: the handset between its two directions of RTP, one step at a time.

The handset looks at its buffer in its ticks alone. So whatever the network delivered up to then is
taken before each tick, with the time at which it came, and nothing has to wake for it.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from interject_lab.telephones.handset import Dtmf, Handset, PhoneClock
from interject_lab.telephones.sip.jitter_buffer import JitterBuffer, Piece
from interject_lab.telephones.sip.network import Network, PacketPath
from interject_lab.telephones.sip.rtp import RtpError, RtpPacket
from interject_lab.telephones.sip.rtp_log import RtpLog
from interject_lab.telephones.sip.udp import Datagram, RtpSocket
from interject_lab.telephones.sip.uplink import NegotiatedMedia, Uplink, Windows

MAX_TRAVELLING = 10_000
"""Packets that the downlink holds at once; the next are lost."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """How a telephone sends and what happens on the way."""

    ptime_ms: int = 20
    """The length of the packets that it sends: 10, 20, 30, 40 or 60."""
    uplink: Network = field(default_factory=Network)
    """From the telephone to the other side."""
    downlink: Network = field(default_factory=Network)
    dtmf: Sequence[Dtmf] = ()
    """Keys to press, in order of time."""
    mute: Windows = ()
    """Times without any audio sent, in seconds since the answer."""


class Media:
    """One call's media, from `start_ns` on.

    Args:
        handset: made for this call, on a line of the codec's rate.
        socket: where the packets come and go.
        agreed: what both sides have agreed on.
        settings: the rest.
        progress: told the seconds since the start, once a second.
        start_ns: the start of the call.
        rng: for the beginnings of RTP's counters.
    """

    def __init__(
        self,
        handset: Handset,
        socket: RtpSocket,
        agreed: NegotiatedMedia,
        settings: MediaSettings,
        *,
        progress: Callable[[float], None],
        start_ns: int,
        rng: np.random.Generator,
    ) -> None:
        self._handset = handset
        self._socket = socket
        self.codec = agreed.codec
        self.remote = agreed.remote
        """Where the packets go and come from; it may change during the call."""
        self._ticks = PhoneClock(handset, settings.dtmf, progress, start_ns)
        self.up = PacketPath(settings.uplink, start_ns)
        self.down = PacketPath(settings.downlink, start_ns)
        self._uplink = Uplink(
            agreed,
            ptime_ms=settings.ptime_ms,
            mute=settings.mute,
            path=self.up,
            start_ns=start_ns,
            rng=rng,
        )
        self._jitter_buffer = JitterBuffer(agreed.codec)
        self._travelling: list[tuple[int, int, bytes]] = []
        """What the downlink holds: a heap by the time at which it is due."""
        self._order = 0
        self.log = RtpLog(agreed.codec.name, agreed.event_type)

    @property
    def sent_ns(self) -> list[int]:
        """When each frame left, as `Handset.record` wants it."""
        return self._uplink.sent_ns

    def step(self, now_ns: int) -> int | None:
        """Do what is due at `now_ns`; when to come again, None if the caller has said everything.

        Raises:
            LabError: a key was pressed that the other side does not take.
        """
        while self._ticks.due(now_ns):
            # A tick that comes late hears what had come by its own time, and nothing later.
            self._receive(self._ticks.next_ns)
            if self._handset.dry:
                self._hear(self._jitter_buffer.give_up())
            self._uplink.take(self._ticks.tick())
        for data in self._uplink.due(now_ns):
            self._socket.send(data, self.remote)
        self._receive(now_ns)
        next_ns = self._uplink.next_ns
        if self._handset.over:
            return next_ns
        return self._ticks.next_ns if next_ns is None else min(next_ns, self._ticks.next_ns)

    def finish(self, now_ns: int) -> None:
        """Take what has come up to `now_ns`, however incomplete: the call is over."""
        self._receive(now_ns)
        self._hear(self._jitter_buffer.flush())

    def _receive(self, now_ns: int) -> None:
        for datagram in self._socket.receive():
            self._travel(datagram)
        while self._travelling and self._travelling[0][0] <= now_ns:
            due_ns, _, data = heapq.heappop(self._travelling)
            try:
                packet = RtpPacket.parse(data)
            except RtpError:
                self.log.malformed += 1
                continue
            self.log.add(packet, due_ns)
            self._hear(self._jitter_buffer.push(packet, due_ns))

    def _travel(self, datagram: Datagram) -> None:
        # RTCP, and the stragglers of another call, come from other ports.
        if datagram.sender != self.remote or len(self._travelling) >= MAX_TRAVELLING:
            return
        due_ns = self.down.due_ns(datagram.at_ns)
        if due_ns is not None:
            self._order += 1
            heapq.heappush(self._travelling, (due_ns, self._order, datagram.data))

    def _hear(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._handset.miss(piece.missing, piece.at_ns)
            self._handset.receive(piece.pcm, piece.at_ns)
