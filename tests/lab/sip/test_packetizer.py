import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.errors import LabError
from interject_lab.telephones.sip.packetizer import PTIMES_MS, Packet, Packetizer

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


def test_another_length_is_told() -> None:
    with pytest.raises(LabError, match=r"packets of 25 ms: expected one of \(10, 20, 30, 40, 60\)"):
        Packetizer(8000, 25)
