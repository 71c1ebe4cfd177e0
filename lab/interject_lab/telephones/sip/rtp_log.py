"""The RTP packets that arrived from the bot, and statistics of them for tests."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from interject_lab.network.codecs import CODECS, CodecName
from interject_lab.network.levels import is_sound
from interject_lab.telephones.sip.rtp import RtpPacket, TelephoneEvent, distance

MAX_PACKETS = 100_000
"""15 min of packets of 10 ms; later ones are only counted."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet with its arrival time."""

    at_ns: int
    packet: RtpPacket


class RtpLog:
    """The packets of one call, in order of arrival.

    Args:
        codec: the call's; None for a call without one.
        event_type: the payload type of telephone events; None without them.
    """

    def __init__(self, codec: CodecName | None = None, event_type: int | None = None) -> None:
        self._codec = codec
        self._event_type = event_type
        self._arrivals: list[Arrival] = []
        self.not_kept = 0
        """Packets beyond `MAX_PACKETS`."""
        self.malformed = 0
        """Datagrams that were not RTP."""

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """Every packet that was kept."""
        return tuple(self._arrivals)

    def add(self, packet: RtpPacket, at_ns: int) -> None:
        """Add a packet that arrived at `at_ns`."""
        if len(self._arrivals) < MAX_PACKETS:
            self._arrivals.append(Arrival(at_ns, packet))
        else:
            self.not_kept += 1

    def sequence_gaps(self) -> list[int]:
        """Lost packets: the length of each gap, in order."""
        return [
            int(step) - 1
            for source in self._sources()
            for step in np.diff(sorted({place for place, _ in source}))
            if step > 1
        ]

    def pauses_ms(self, over_ms: float = 40.0) -> list[float]:
        """The times between one arrival and the next that are longer than `over_ms`."""
        between_ms = np.diff([arrival.at_ns for arrival in self._arrivals]) / 1e6
        return [float(pause) for pause in between_ms if pause > over_ms]

    def last_sound_ns(self) -> int | None:
        """Arrival of the last packet with sound (above -60 dBFS); None without any."""
        if self._codec is None:
            return None
        last_ns = None
        for source in self._sources():
            codec = CODECS[self._codec]()
            for _, arrival in sorted(source, key=lambda placed: placed[0]):
                if arrival.packet.payload_type != codec.payload_type:
                    continue
                if is_sound(codec.decode(arrival.packet.payload)):
                    last_ns = max(last_ns or 0, arrival.at_ns)
        return last_ns

    def digits(self) -> str:
        """The digits whose end arrived, each once, in order."""
        ended: dict[int, str] = {}
        for arrival in self._arrivals:
            if arrival.packet.payload_type != self._event_type:
                continue
            event = TelephoneEvent.parse(arrival.packet.payload)
            if event.end and event.digit is not None:
                ended.setdefault(arrival.packet.timestamp, event.digit)
        return "".join(ended.values())

    def _sources(self) -> Iterator[list[tuple[int, Arrival]]]:
        """The arrivals per source (SSRC), with unwrapped sequence numbers."""
        source: list[tuple[int, Arrival]] = []
        for arrival in self._arrivals:
            packet = arrival.packet
            if source and source[-1][1].packet.ssrc != packet.ssrc:
                yield source
                source = []
            place = source[-1][0] if source else packet.sequence
            place += distance(packet.sequence, place % 65536, 16)
            source.append((place, arrival))
        if source:
            yield source
