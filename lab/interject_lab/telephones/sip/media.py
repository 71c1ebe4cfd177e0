"""The media of one call: the handset between its two directions of RTP, one step at a time.

The handset reads its buffer only in its ticks. So all packets up to a tick are received just before
it, with their arrival times, and no event wakes the process in between.
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
"""Packets in the downlink at once; further ones are lost."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """How a telephone sends, and the network's impairments."""

    ptime_ms: int = 20
    """The length of the packets that it sends: 10, 20, 30, 40 or 60."""
    uplink: Network = field(default_factory=Network)
    """From the telephone to the other side."""
    downlink: Network = field(default_factory=Network)
    dtmf: Sequence[Dtmf] = ()
    """Digits to send, in order of time."""
    mute: Windows = ()
    """Periods without audio sent, in s since the answer."""


class Media:
    """One call's media, from `start_ns` on.

    Args:
        handset: made for this call, on a line of the codec's rate.
        socket: for the packets.
        agreed: the negotiated media.
        settings: how to send, and the network.
        progress: receives the seconds since the start, once a second.
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
        """The remote RTP address; a re-INVITE may change it."""
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
        """Packets in the downlink: a heap by arrival time."""
        self._order = 0
        self.log = RtpLog(agreed.codec.name, agreed.event_type)

    @property
    def sent_ns(self) -> list[int]:
        """When each frame was sent, for `Handset.record`."""
        return self._uplink.sent_ns

    def step(self, now_ns: int) -> int | None:
        """Do what is due at `now_ns`; returns the time of the next step, None at the end.

        Raises:
            LabError: a DTMF digit is due, and the other side does not accept telephone events.
        """
        while self._ticks.due(now_ns):
            # A late tick plays only what had arrived by the time at which it was due.
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
        """End of the call: receive what arrived up to `now_ns`, with gaps."""
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
        # RTCP and late packets of another call have other sender ports.
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
