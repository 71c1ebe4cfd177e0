"""The caller's side of the RTP: frames and digits in, packets out at the time that they are due.

Frames of 20 ms are cut into packets of another length that leave at an even pace. While a digit is
pressed, its events replace the audio, as in telephones; while the telephone is mute, it sends no
audio. The first packet after either has the marker. The RTP clock runs on meanwhile, sequence
numbers do not.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.errors import LabError
from interject_lab.network.codecs import CLOCK_HZ, Codec
from interject_lab.telephones.handset import PhoneTick
from interject_lab.telephones.sip.network import PacketPath
from interject_lab.telephones.sip.rtp import EVENT_MS, EventPacket, RtpPacket, event_packets
from media_pod.duplex.contract import TICK_MS

PTIMES_MS = (10, 20, 30, 40, 60)


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """The audio of one packet."""

    start_ms: int
    """Where it lies in the caller's stream."""
    leave_ms: int
    """When it leaves, since the start of the call."""
    pcm: NDArray[np.int16]


class Packetizer:
    """Cuts frames of 20 ms into packets of `ptime_ms`.

    A frame is available at the start of its tick. A packet of several frames waits for the last of
    them, and all packets of a call wait equally long, so that the pace is even.

    Raises:
        LabError: `ptime_ms` is none of `PTIMES_MS`.
    """

    def __init__(self, rate_hz: int, ptime_ms: int) -> None:
        if ptime_ms not in PTIMES_MS:
            raise LabError(f"packets of {ptime_ms} ms: expected one of {PTIMES_MS}")
        self._ptime_ms = ptime_ms
        self._wait_ms = (-(-ptime_ms // TICK_MS) - 1) * TICK_MS
        self._samples = rate_hz * ptime_ms // 1000
        self._waiting = np.zeros(0, np.int16)
        self._packets = 0

    def push(self, frame: NDArray[np.int16]) -> Iterator[Packet]:
        """The packets that `frame`, int16 [samples], completes."""
        self._waiting = np.concatenate([self._waiting, frame])
        while self._waiting.size >= self._samples:
            pcm, self._waiting = np.split(self._waiting, [self._samples])
            start_ms = self._packets * self._ptime_ms
            self._packets += 1
            yield Packet(start_ms, start_ms + self._wait_ms, pcm)


Windows = Sequence[tuple[float, float]]
"""(start, end) in s since the start of the call."""

DIGIT_PAUSE_MS = 40
"""Between two digits (ITU-T Q.24)."""

_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class NegotiatedMedia:
    """The media that both sides of a call have negotiated."""

    codec: Codec
    event_type: int | None
    """The payload type of telephone events; None without them."""
    remote: tuple[str, int]
    """The remote RTP address."""


class Uplink:
    """One call's RTP to the bot.

    Args:
        agreed: codec and payload types.
        ptime_ms: the length of a packet.
        mute: when the telephone sends no audio.
        path: the network.
        start_ns: the start of the call.
        rng: for the initial values of the counters, which are random in RTP.
    """

    def __init__(
        self,
        agreed: NegotiatedMedia,
        *,
        ptime_ms: int,
        mute: Windows,
        path: PacketPath,
        start_ns: int,
        rng: np.random.Generator,
    ) -> None:
        self._codec = agreed.codec
        self._event_type = agreed.event_type
        self._mute = mute
        self._path = path
        self._start_ns = start_ns
        self._packetizer = Packetizer(agreed.codec.rate_hz, ptime_ms)
        self._sequence = int(rng.integers(1 << 15))
        self._first_timestamp, self._ssrc = (int(n) for n in rng.integers(1 << 32, size=2))
        self._leaving: list[tuple[int, int, Packet | tuple[int, EventPacket]]] = []
        """Audio, and event packets with the beginning of their event in ms: a heap by time."""
        self._travelling: list[tuple[int, int, bytes]] = []
        """Packets in the network: a heap by arrival time."""
        self._order = 0
        self._pressed_ms: list[tuple[int, int]] = []
        """(start, end) of each digit, in order."""
        self._marker = True
        self.sent_ns: list[int] = []
        """When the packet with the start of each frame was sent, or would have been while mute."""

    @property
    def next_ns(self) -> int | None:
        """Time of the next packet; None without one."""
        waiting = [heap[0][0] for heap in (self._leaving, self._travelling) if heap]
        return min(waiting, default=None)

    def take(self, tick: PhoneTick) -> None:
        """Queue the digits and the frame of a tick.

        Raises:
            LabError: a digit, and the other side accepts no telephone events.
        """
        for digit in tick.digits:
            self._press(digit, (tick.at_ns - self._start_ns) // _MS)
        for packet in self._packetizer.push(tick.frame):
            self._leave(packet.leave_ms, packet)

    def due(self, now_ns: int) -> list[bytes]:
        """The packets that reach the other end of the network by `now_ns`, in order."""
        while self._leaving and self._leaving[0][0] <= now_ns:
            item = heapq.heappop(self._leaving)[2]
            sent = self._audio(item, now_ns) if isinstance(item, Packet) else self._event(*item)
            due_ns = None if sent is None else self._path.due_ns(now_ns)
            if sent is not None and due_ns is not None:
                heapq.heappush(self._travelling, (due_ns, self._count(), bytes(sent)))
        arrived = []
        while self._travelling and self._travelling[0][0] <= now_ns:
            arrived.append(heapq.heappop(self._travelling)[2])
        return arrived

    def _press(self, digit: str, at_ms: int) -> None:
        if self._event_type is None:
            raise LabError(
                f"the other side accepts no telephone events (RFC 4733), so {digit!r} cannot be"
                " sent: set dtmf_mode=rfc4733 at its endpoint"
            )
        down_ms = (
            max(at_ms, self._pressed_ms[-1][1] + DIGIT_PAUSE_MS) if self._pressed_ms else at_ms
        )
        self._pressed_ms.append((down_ms, down_ms + EVENT_MS))
        for packet in event_packets(digit):
            self._leave(down_ms + packet.after_ms, (down_ms, packet))

    def _leave(self, at_ms: int, item: Packet | tuple[int, EventPacket]) -> None:
        heapq.heappush(self._leaving, (self._start_ns + at_ms * _MS, self._count(), item))

    def _audio(self, packet: Packet, now_ns: int) -> RtpPacket | None:
        end_ms = packet.start_ms + packet.pcm.size * 1000 // self._codec.rate_hz
        begun = -(-end_ms // TICK_MS)
        self.sent_ns += [now_ns] * (begun - len(self.sent_ns))
        if self._is_mute(packet):
            self._marker = True
            return None
        marker, self._marker = self._marker, False
        payload = self._codec.encode(packet.pcm)
        return self._packet(self._codec.payload_type, packet.start_ms, payload, marker)

    def _is_mute(self, packet: Packet) -> bool:
        at_s = packet.start_ms / 1000
        digit_is_pressed = any(down <= packet.leave_ms < up for down, up in self._pressed_ms)
        return digit_is_pressed or any(from_s <= at_s < to_s for from_s, to_s in self._mute)

    def _event(self, begin_ms: int, packet: EventPacket) -> RtpPacket:
        assert self._event_type is not None
        return self._packet(self._event_type, begin_ms, bytes(packet.event), packet.marker)

    def _packet(self, payload_type: int, at_ms: int, payload: bytes, marker: bool) -> RtpPacket:
        self._sequence = (self._sequence + 1) % (1 << 16)
        timestamp = (self._first_timestamp + at_ms * CLOCK_HZ // 1000) % (1 << 32)
        return RtpPacket(payload_type, self._sequence, timestamp, self._ssrc, payload, marker)

    def _count(self) -> int:
        self._order += 1
        return self._order
