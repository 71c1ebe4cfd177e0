import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.network.codecs import (
    CODECS,
    CodecName,
    Law,
    g711_decode,
    g711_encode,
    g711_roundtrip,
)
from lab.telephones.sip.conftest import tone

CODES = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize(
    ("law", "code", "value"),
    [
        ("mu", 0x80, 32124),
        ("mu", 0x00, -32124),
        ("mu", 0xFF, 0),
        ("mu", 0xFE, 8),
        ("mu", 0x7E, -8),
        ("a", 0xAA, 32256),
        ("a", 0x2A, -32256),
        ("a", 0xD5, 8),
        ("a", 0x55, -8),
    ],
)
def test_code_points_of_the_recommendation(law: Law, code: int, value: int) -> None:
    assert g711_decode(np.array([code], np.uint8), law)[0] == value
    assert g711_encode(np.array([value], np.int16), law)[0] == code


@pytest.mark.parametrize("law", ["mu", "a"])
def test_every_code_survives_decoding_and_encoding(law: Law) -> None:
    expected = CODES.copy()
    if law == "mu":
        expected[0x7F] = 0xFF  # mu-law writes zero in two ways
    np.testing.assert_array_equal(g711_encode(g711_decode(CODES, law), law), expected)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_a_louder_sample_never_gets_a_lower_value(law: Law) -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.all(np.diff(g711_roundtrip(every, law).astype(int)) >= 0)


@given(st.integers(-32000, 32000), st.sampled_from(["mu", "a"]))
def test_the_error_is_within_half_a_step(value: int, law: Law) -> None:
    error = abs(int(g711_roundtrip(np.array([value], np.int16), law)[0]) - value)
    # Sixteen steps per octave: half a step is at most 1/32 of the segment's start.
    assert error <= max((abs(value) + 132) / 32, 16)


def test_shapes_are_kept() -> None:
    assert g711_roundtrip(np.zeros((3, 160), np.int16), "mu").shape == (3, 160)


@pytest.mark.parametrize("name", CODECS)
def test_a_payload_has_a_byte_per_unit_of_the_rtp_clock(name: CodecName) -> None:
    codec = CODECS[name]()
    frame = np.zeros(codec.rate_hz // 50, np.int16)
    payload = codec.encode(frame)
    assert len(payload) == 160
    assert codec.decode(payload).shape == frame.shape


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_g711_gives_back_what_it_gave_once(name: CodecName) -> None:
    codec = CODECS[name]()
    once = codec.decode(codec.encode(tone(0.5)))
    np.testing.assert_array_equal(codec.decode(codec.encode(once)), once)
    np.testing.assert_allclose(once, tone(0.5), atol=520)


def test_g722_carries_what_a_narrow_codec_cannot() -> None:
    sound = tone(0.5, 16_000, hz=5000.0)
    codec = CODECS["G722"]()
    frames = [codec.decode(codec.encode(frame)) for frame in np.split(sound, 25)]
    heard = np.concatenate(frames).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(heard[1600:]))
    assert np.argmax(spectrum) * 16_000 / (heard.size - 1600) == pytest.approx(5000, abs=5)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(np.mean(sound**2.0)), rel=0.1)


def test_g722_in_packets_is_g722_in_one_piece() -> None:
    sound = tone(0.3, 16_000)
    whole = CODECS["G722"]().encode(sound)
    codec = CODECS["G722"]()
    assert b"".join(codec.encode(part) for part in np.split(sound, 15)) == whole
