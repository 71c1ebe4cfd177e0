from collections.abc import Iterable

import numpy as np
import pytest

from interject_lab.network.codecs import CODECS, CodecName
from interject_lab.telephones.sip import rtp_log
from interject_lab.telephones.sip.rtp import RtpPacket, event_packets
from interject_lab.telephones.sip.rtp_log import RtpLog
from lab.telephones.sip.conftest import tone

MS = 1_000_000


def log_of(sequences: Iterable[int], pace_ms: int = 20) -> RtpLog:
    log = RtpLog("PCMU", 101)
    for index, sequence in enumerate(sequences):
        log.add(RtpPacket(0, sequence % 65536, 0, 1, bytes(160)), index * pace_ms * MS)
    return log


def test_gaps_are_runs_of_packets_that_never_came() -> None:
    assert log_of(range(10)).sequence_gaps() == []
    came = [65_530, 65_531, 65_534, 65_533, 65_537, 65_533, 65_538]
    assert log_of(came).sequence_gaps() == [1, 2]


def test_another_source_is_no_gap() -> None:
    log = log_of([5, 6, 8])
    for sequence in (100, 102):
        log.add(RtpPacket(0, sequence, 0, 2, bytes(160)), 0)
    assert log.sequence_gaps() == [1, 1]


def test_pauses_are_between_arrivals() -> None:
    log = log_of(range(3), pace_ms=40)
    log.add(RtpPacket(0, 3, 0, 1, b""), 141 * MS)
    assert log.pauses_ms() == [61.0]
    assert log.pauses_ms(over_ms=30.0) == [40.0, 40.0, 61.0]


@pytest.mark.parametrize("name", CODECS)
def test_the_last_sound_is_told_whatever_the_order(name: CodecName) -> None:
    codec = CODECS[name]()
    log = RtpLog(name)
    sound = np.concatenate([tone(0.1, codec.rate_hz), np.zeros(codec.rate_hz // 5, np.int16)])
    packets = [
        RtpPacket(codec.payload_type, index, 160 * index, 1, codec.encode(frame))
        for index, frame in enumerate(np.split(sound, 15))
    ]
    packets[0], packets[1] = packets[1], packets[0]
    for index, packet in enumerate(packets):
        log.add(packet, (1000 + 20 * index) * MS)
    # The filters of G.722 ring for 1.4 ms.
    last = 5 if name == "G722" else 4
    assert log.last_sound_ns() == (1000 + 20 * last) * MS


def test_silence_and_no_call_have_no_last_sound() -> None:
    log = RtpLog("PCMU")
    log.add(RtpPacket(0, 0, 0, 1, b"\xff" * 160), 5)
    assert log.last_sound_ns() is None
    assert RtpLog().last_sound_ns() is None


def test_a_digit_counts_once_and_when_it_has_ended() -> None:
    log = RtpLog("PCMU", 101)
    for press, digit in enumerate("55#"):
        for packet in event_packets(digit):
            log.add(RtpPacket(101, 0, 1000 * press, 1, bytes(packet.event)), 0)
    unfinished = event_packets("1")[0]
    log.add(RtpPacket(101, 0, 9000, 1, bytes(unfinished.event)), 0)
    assert log.digits() == "55#"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtp_log, "MAX_PACKETS", 3)
    log = log_of(range(5))
    assert len(log.arrivals) == 3
    assert log.not_kept == 2
