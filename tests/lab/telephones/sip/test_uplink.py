from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.errors import LabError
from interject_lab.network.codecs import CODECS
from interject_lab.telephones.handset import PhoneTick
from interject_lab.telephones.sip.network import Network, PacketPath
from interject_lab.telephones.sip.rtp import RtpPacket, TelephoneEvent
from interject_lab.telephones.sip.uplink import (
    PTIMES_MS,
    NegotiatedMedia,
    Packet,
    Packetizer,
    Uplink,
    Windows,
)
from lab.telephones.sip.conftest import tone

ptimes = st.sampled_from(PTIMES_MS)
rates = st.sampled_from((8000, 16_000))


def cut(rate_hz: int, ptime_ms: int, frames: int) -> list[tuple[int, Packet]]:
    """The packets of a counting stream, each with the tick in which it was completed."""
    packetizer = Packetizer(rate_hz, ptime_ms)
    stream = np.arange(frames * rate_hz // 50).astype(np.int16)
    return [
        (tick, packet)
        for tick, frame in enumerate(np.split(stream, frames))
        for packet in packetizer.push(frame)
    ]


@given(rates, ptimes, st.integers(1, 40))
def test_the_packets_are_the_stream_but_for_an_unfinished_end(
    rate_hz: int, ptime_ms: int, frames: int
) -> None:
    packets = [packet for _, packet in cut(rate_hz, ptime_ms, frames)]
    joined = np.concatenate([np.zeros(0, np.int16), *(packet.pcm for packet in packets)])
    assert np.array_equal(joined, np.arange(joined.size).astype(np.int16))
    assert 0 <= frames * rate_hz // 50 - joined.size < rate_hz * ptime_ms // 1000
    assert {packet.pcm.size for packet in packets} <= {rate_hz * ptime_ms // 1000}


@given(ptimes)
def test_they_leave_at_an_even_pace_and_not_before_they_are_complete(ptime_ms: int) -> None:
    packets = cut(8000, ptime_ms, 60)
    assert {int(step) for step in np.diff([packet.leave_ms for _, packet in packets])} == {ptime_ms}
    assert all(packet.leave_ms >= tick * 20 for tick, packet in packets)
    assert packets[0][1].leave_ms == max(0, -(-ptime_ms // 20) * 20 - 20)


def test_another_length_is_reported() -> None:
    with pytest.raises(LabError, match=r"packets of 25 ms: expected one of \(10, 20, 30, 40, 60\)"):
        Packetizer(8000, 25)


MS = 1_000_000
START_NS = 5_000 * MS


def make(
    ptime_ms: int = 20,
    *,
    mute: Windows = (),
    network: Network | None = None,
    event_type: int | None = 101,
) -> Uplink:
    agreed = NegotiatedMedia(CODECS["PCMU"](), event_type, ("127.0.0.1", 9))
    return Uplink(
        agreed,
        ptime_ms=ptime_ms,
        mute=mute,
        path=PacketPath(network or Network(), START_NS),
        start_ns=START_NS,
        rng=np.random.default_rng(1),
    )


def run(uplink: Uplink, ticks: int, keys: dict[int, str] | None = None) -> list[RtpPacket]:
    """What arrives of so many ticks of a tone, looked at every 10 ms; `keys` by tick."""
    frames = np.split(tone(ticks * 0.02), ticks)
    arrived = []
    for step in range(2 * ticks + 20):
        now_ns = START_NS + step * 10 * MS
        if step % 2 == 0 and step // 2 < ticks:
            uplink.take(PhoneTick(now_ns, (keys or {}).get(step // 2, ""), frames[step // 2]))
        arrived += [RtpPacket.parse(data) for data in uplink.due(now_ns)]
    return arrived


def times_ms(packets: Sequence[RtpPacket], first: int) -> list[int]:
    return [(packet.timestamp - first) % 2**32 // 8 for packet in packets]


@given(st.sampled_from(PTIMES_MS))
def test_every_packet_is_counted_and_clocked(ptime_ms: int) -> None:
    packets = run(make(ptime_ms), 30)
    assert len(packets) == 600 // ptime_ms
    assert {len(packet.payload) for packet in packets} == {8 * ptime_ms}
    assert np.all(np.diff([packet.sequence for packet in packets]) == 1)
    first = packets[0].timestamp
    assert times_ms(packets, first) == [ptime_ms * index for index in range(len(packets))]
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
    assert len({packet.ssrc for packet in packets}) == 1


@given(st.sampled_from(PTIMES_MS))
def test_a_frame_leaves_with_the_packet_of_its_beginning(ptime_ms: int) -> None:
    uplink = make(ptime_ms)
    run(uplink, 30)
    wait_ms = max(0, -(-ptime_ms // 20) * 20 - 20)
    assert uplink.sent_ns == [
        START_NS + (20 * frame // ptime_ms * ptime_ms + wait_ms) * MS for frame in range(30)
    ]


def test_nothing_is_sent_while_mute_and_the_clocks_go_on() -> None:
    uplink = make(mute=[(0.1, 0.2), (0.3, 0.32)])
    packets = run(uplink, 20)
    silent = {*range(100, 200, 20), 300}
    there = [at for at in range(0, 400, 20) if at not in silent]
    assert times_ms(packets, packets[0].timestamp) == there
    assert np.all(np.diff([packet.sequence for packet in packets]) == 1)
    assert [at for at, packet in zip(there, packets, strict=True) if packet.marker] == [0, 200, 320]
    assert len(uplink.sent_ns) == 20


def test_a_key_takes_the_place_of_the_audio_while_it_is_down() -> None:
    packets = run(make(), 30, {5: "4"})
    events = [packet for packet in packets if packet.payload_type == 101]
    first = packets[0].timestamp
    assert len(events) == 11
    assert set(times_ms(events, first)) == {100}
    assert [packet.marker for packet in events] == [True] + [False] * 10
    assert {TelephoneEvent.parse(packet.payload).digit for packet in events} == {"4"}
    audio = [packet for packet in packets if packet.payload_type == 0]
    assert times_ms(audio, first) == [at for at in range(0, 600, 20) if not 100 <= at < 260]
    assert np.all(np.diff([packet.sequence for packet in packets]) == 1)


def test_keys_pressed_at_once_follow_each_other() -> None:
    packets = run(make(), 40, {0: "12"})
    audio = [packet for packet in packets if packet.payload_type == 0]
    assert times_ms(audio, audio[0].timestamp)[:3] == [0, 20, 200]
    begun = [packet.timestamp for packet in packets if packet.payload_type == 101 and packet.marker]
    assert (begun[1] - begun[0]) % 2**32 == 200 * 8


def test_a_key_that_nobody_takes_is_reported() -> None:
    with pytest.raises(LabError, match=r"accepts no telephone events .* '7' .* dtmf_mode=rfc4733"):
        run(make(event_type=None), 2, {0: "7"})


def test_the_network_loses_what_was_counted() -> None:
    packets = run(make(network=Network(0.3, 2.0, seed=1)), 100)
    steps = np.diff([packet.sequence for packet in packets])
    assert len(packets) < 90
    assert np.any(steps > 1)


def test_late_packets_arrive_at_their_time() -> None:
    uplink = make(network=Network(jitter_ms=50.0, seed=2))
    uplink.take(PhoneTick(START_NS, "", tone(0.02)))
    assert uplink.next_ns == START_NS
    assert uplink.due(START_NS) == []
    due_ns = uplink.next_ns
    assert due_ns is not None
    assert uplink.due(due_ns - 1) == []
    assert len(uplink.due(due_ns)) == 1
    assert uplink.next_ns is None
