import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.network.g711 import Law, decode, encode, roundtrip

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
    assert decode(np.array([code], np.uint8), law)[0] == value
    assert encode(np.array([value], np.int16), law)[0] == code


@pytest.mark.parametrize("law", ["mu", "a"])
def test_every_code_survives_decoding_and_encoding(law: Law) -> None:
    expected = CODES.copy()
    if law == "mu":
        expected[0x7F] = 0xFF  # mu-law writes zero in two ways
    np.testing.assert_array_equal(encode(decode(CODES, law), law), expected)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_a_louder_sample_never_gets_a_lower_value(law: Law) -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.all(np.diff(roundtrip(every, law).astype(int)) >= 0)


@given(st.integers(-32000, 32000), st.sampled_from(["mu", "a"]))
def test_the_error_is_within_half_a_step(value: int, law: Law) -> None:
    error = abs(int(roundtrip(np.array([value], np.int16), law)[0]) - value)
    # Sixteen steps per octave: half a step is at most 1/32 of the segment's start.
    assert error <= max((abs(value) + 132) / 32, 16)


def test_shapes_are_kept() -> None:
    assert roundtrip(np.zeros((3, 160), np.int16), "mu").shape == (3, 160)
