import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from interject_lab.network.codecs import CODECS, Codec, CodecName
from interject_lab.telephones.sip.jitter_buffer import MAX_HELD, JitterBuffer, Piece
from interject_lab.telephones.sip.rtp import RtpPacket

MS = 1_000_000
names = st.sampled_from(sorted(CODECS))


def packets(codec: Codec, count: int, first: int = 65_530, ssrc: int = 7) -> list[RtpPacket]:
    """`count` packets of 20 ms with noise, over the wrap of both counters."""
    rng = np.random.default_rng(1)
    return [
        RtpPacket(
            codec.payload_type,
            (first + index) % 2**16,
            (2**32 - 320 + 160 * index) % 2**32,
            ssrc,
            codec.encode(rng.integers(-9000, 9000, codec.rate_hz // 50).astype(np.int16)),
        )
        for index in range(count)
    ]


def stream(pieces: list[Piece]) -> NDArray[np.int16]:
    parts = [np.zeros(0, np.int16)]
    for piece in pieces:
        parts += [np.zeros(piece.missing, np.int16), piece.pcm]
    return np.concatenate(parts)


def push_all(reception: JitterBuffer, sent: list[RtpPacket], pace_ms: int = 20) -> list[Piece]:
    return [
        piece
        for index, packet in enumerate(sent)
        for piece in reception.push(packet, index * pace_ms * MS)
    ]


def receive(name: CodecName, sent: list[RtpPacket]) -> NDArray[np.int16]:
    reception = JitterBuffer(CODECS[name]())
    return stream(push_all(reception, sent) + reception.flush())


@given(names, st.lists(st.integers(0, 8), min_size=2, max_size=30), st.booleans())
def test_any_order_within_a_window_gives_the_same_stream(
    name: CodecName, late: list[int], swap: bool
) -> None:
    sent = packets(CODECS[name](), len(late))
    rest = sorted(range(1, len(late)), key=lambda index: index + late[index])
    order = [0, *rest]
    if swap:
        order[0], order[1] = order[1], order[0]
    # The second to come may be anyone; the first must be among those two.
    shuffled = [sent[index] for index in order]
    np.testing.assert_array_equal(receive(name, shuffled), receive(name, sent))


@given(names, st.sets(st.integers(1, 28)), st.booleans())
def test_what_is_lost_is_silence_in_its_place(name: CodecName, lost: set[int], twice: bool) -> None:
    codec = CODECS[name]()
    sent = packets(codec, 30)
    there = [packet for index, packet in enumerate(sent) if index not in lost]
    heard = receive(name, [packet for packet in there for _ in range(1 + twice)])
    tick = codec.rate_hz // 50
    assert heard.size == 30 * tick
    frames = heard.reshape(30, tick)
    assert not np.any(frames[sorted(lost)])
    assert all(np.any(frames[index]) for index in range(30) if index not in lost)


def test_the_missing_is_waited_for_until_it_is_given_up() -> None:
    codec = CODECS["PCMU"]()
    sent = packets(codec, 6)
    reception = JitterBuffer(codec)
    assert len(push_all(reception, sent[:3])) == 3
    assert reception.push(sent[4], 0) == []
    (given,) = reception.give_up()
    assert given.missing == 160
    assert reception.push(sent[3], 0) == []
    assert len(reception.push(sent[5], 0)) == 1


def test_each_piece_has_the_time_of_its_own_packet() -> None:
    codec = CODECS["PCMU"]()
    sent = packets(codec, 4)
    reception = JitterBuffer(codec)
    pieces = push_all(reception, [sent[0], sent[1], sent[3], sent[2]])
    assert [piece.at_ns // MS for piece in pieces] == [0, 20, 60, 40]


def test_it_holds_a_second_at_most() -> None:
    codec = CODECS["PCMU"]()
    sent = packets(codec, MAX_HELD + 10)
    del sent[2]
    pieces = push_all(JitterBuffer(codec), sent)
    assert len(pieces) == MAX_HELD + 9
    assert [piece.missing for piece in pieces if piece.missing] == [160]


def test_a_pause_in_the_sending_is_silence_of_its_length() -> None:
    codec = CODECS["PCMU"]()
    sent = packets(codec, 3)
    late = RtpPacket(0, 65_533, (sent[2].timestamp + 16_000) % 2**32, 7, bytes(160))
    reception = JitterBuffer(codec)
    push_all(reception, sent)
    (piece,) = reception.push(late, 2_000 * MS)
    assert piece.missing == 16_000 - 160


def test_a_jump_beyond_the_time_that_passed_begins_a_new_time() -> None:
    codec = CODECS["PCMU"]()
    sent = packets(codec, 3)
    reception = JitterBuffer(codec)
    push_all(reception, sent)
    for step, jump in enumerate((80_000, -4000)):
        sequence, timestamp = 65_533 + step, (sent[2].timestamp + jump) % 2**32
        (piece,) = reception.push(RtpPacket(0, sequence, timestamp, 7, bytes(160)), 60 * MS)
        assert piece.missing == 0


def test_another_source_goes_on_behind_the_first() -> None:
    codec = CODECS["PCMA"]()
    one, two = packets(codec, 4), packets(codec, 4, first=9, ssrc=8)
    pieces = push_all(JitterBuffer(codec), [*one[:2], one[3], *two])
    assert [piece.missing for piece in pieces] == [0, 0, 160, 0, 0, 0, 0]


def test_events_are_in_sequence_and_no_audio() -> None:
    codec = CODECS["PCMU"]()
    sent = packets(codec, 5)
    sent[2] = RtpPacket(101, sent[2].sequence, sent[2].timestamp, 7, b"\x05\x0a\x00\xa0")
    pieces = push_all(JitterBuffer(codec), sent)
    assert [piece.missing for piece in pieces] == [0, 0, 160, 0]


def test_a_stream_of_one_packet_is_there_in_the_end() -> None:
    codec = CODECS["PCMU"]()
    reception = JitterBuffer(codec)
    assert push_all(reception, packets(codec, 1)) == []
    assert len(reception.flush()) == 1
