"""The media of a call in virtual time: what comes is put in by hand, what goes is caught."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from interject_lab.call_record import UNDERRUN
from interject_lab.network.codecs import CODECS
from interject_lab.telephones.handset import Handset
from interject_lab.telephones.sip.media import Media, MediaSettings
from interject_lab.telephones.sip.network import Network, Stall
from interject_lab.telephones.sip.rtp import RtpPacket
from interject_lab.telephones.sip.udp import Address, Datagram, RtpSocket
from interject_lab.telephones.sip.uplink import NegotiatedMedia
from lab.telephones.test_handset import make as make_handset

MS = 1_000_000
BOT: Address = ("127.0.0.1", 4000)


class Caught(RtpSocket):
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Address]] = []
        self.waiting: deque[Datagram] = deque()

    def send(self, data: bytes, to: Address) -> None:
        self.sent.append((data, to))

    def receive(self) -> Iterator[Datagram]:
        while self.waiting:
            yield self.waiting.popleft()


class Call:
    """One call's media, and the clock."""

    def __init__(self, max_s: float = 0.4, **settings: Any) -> None:
        self.udp = Caught()
        self.waiting = self.udp.waiting
        self.handset: Handset = make_handset(max_s=max_s)
        self.media = Media(
            self.handset,
            self.udp,
            NegotiatedMedia(CODECS["PCMA"](), 101, BOT),
            MediaSettings(**settings),
            progress=lambda elapsed_s: None,
            start_ns=0,
            rng=np.random.default_rng(0),
        )

    def comes(self, index: int, at_ms: float, sender: Address = BOT) -> None:
        """The bot's packet with this sequence number."""
        packet = RtpPacket(8, index, 160 * index, 1, bytes([index + 1]) * 160)
        self.waiting.append(Datagram(round(at_ms * MS), bytes(packet), sender))

    def played(self) -> list[int]:
        """Which frame was played in each tick."""
        samples = self.handset.record([0] * self.handset.ticks, "").bot_played_sample
        return [int(at) // 160 if at != UNDERRUN else UNDERRUN for at in samples]


def test_a_frame_leaves_per_tick_and_a_late_one_is_made_up_for() -> None:
    call = Call()
    assert call.media.step(0) == 20 * MS
    assert len(call.udp.sent) == 1
    assert call.media.step(75 * MS) == 80 * MS
    assert len(call.udp.sent) == 4
    assert {to for _, to in call.udp.sent} == {BOT}
    assert call.media.step(1000 * MS) is None
    assert len(call.udp.sent) == len(call.media.sent_ns) == 20


def test_a_late_tick_hears_what_had_come_by_its_own_time() -> None:
    call = Call()
    for index, at_ms in enumerate((-2, -1, 15, 35, 55, 75)):
        call.comes(index, at_ms)
    call.media.step(100 * MS)
    assert call.played() == [0, 1, 2, 3, 4, 5]


def test_the_last_packets_are_waited_for() -> None:
    call = Call(uplink=Network(jitter_ms=100.0, seed=1))
    next_ns: int | None = 0
    steps_ns = []
    while next_ns is not None:
        steps_ns.append(next_ns)
        next_ns = call.media.step(next_ns)
    assert len(call.udp.sent) == 20
    assert steps_ns[-1] > 380 * MS


def test_what_comes_is_played_in_order_from_two_frames_on() -> None:
    call = Call()
    for index, at_ms in ((1, -5), (0, -4), (2, 15), (4, 35), (3, 45), (5, 75)):
        call.comes(index, at_ms)
    for tick in range(6):
        call.media.step(tick * 20 * MS + 10 * MS)
    assert call.played() == [0, 1, 2, 3, 4, 5]
    arrived = call.handset.record([], "").bot_arrived_ns
    assert (arrived // MS).tolist() == [0, 0, 15, 45, 35, 75]


def test_the_missing_is_given_up_when_there_is_nothing_else_to_play() -> None:
    call = Call()
    for index in (0, 1, 3):
        call.comes(index, -1)
    for tick in range(2):
        call.media.step(tick * 20 * MS + 10 * MS)
    call.comes(2, 31)
    call.media.step(50 * MS)
    assert call.played() == [0, 1, 2]
    for tick in range(3, 5):
        call.media.step(tick * 20 * MS + 10 * MS)
    assert call.played() == [0, 1, 2, 3, UNDERRUN]


def test_a_packet_too_late_is_silence_and_no_step_of_the_delay() -> None:
    call = Call()
    for index in (0, 1, 3):
        call.comes(index, -1)
    for tick in range(3):
        call.media.step(tick * 20 * MS + 10 * MS)
    call.comes(2, 55)
    call.comes(4, 56)
    for tick in range(3, 5):
        call.media.step(tick * 20 * MS + 10 * MS)
    assert call.played() == [0, 1, 2, 3, 4]
    assert not np.any(call.handset.record([], "").bot[320:480])


def test_the_downlink_delays_what_the_record_tells() -> None:
    call = Call(downlink=Network(stalls=[Stall(0.02, 0.03)]))
    for index, at_ms in enumerate((0, 10, 20, 30, 40, 60)):
        call.comes(index, at_ms)
    call.media.step(45 * MS)
    assert len(call.media.log.arrivals) == 2
    call.media.step(60 * MS)
    came_ms = [arrival.at_ns // MS for arrival in call.media.log.arrivals]
    assert came_ms == [0, 10, 50, 50, 50, 60]
    assert (call.handset.record([], "").bot_arrived_ns // MS).tolist() == came_ms


def test_only_the_other_sides_port_counts_and_only_rtp() -> None:
    call = Call()
    call.comes(0, 0, sender=("127.0.0.1", 4001))
    call.waiting.append(Datagram(0, b"no RTP", BOT))
    call.media.step(0)
    assert call.media.log.arrivals == ()
    assert call.media.log.malformed == 1


def test_in_the_end_everything_that_came_is_in_the_record() -> None:
    call = Call()
    for index in (0, 1, 3):
        call.comes(index, -1)
    call.media.finish(2 * MS)
    assert call.handset.record([], "").bot.size == 4 * 160
