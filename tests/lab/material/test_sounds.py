from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject_lab.material import backgrounds, sounds
from interject_lab.material.material import EventKind
from interject_lab.network.levels import FULL_SCALE

KINDS = get_args(EventKind)
DIGITS = {"1": (697, 1209), "6": (770, 1477), "0": (941, 1336), "#": (941, 1477), "A": (697, 1633)}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), rate_hz=st.sampled_from([8000, 16_000]))
def test_an_event_has_the_length_and_the_peak_of_one(
    kind: EventKind, seed: int, rate_hz: int
) -> None:
    pcm = sounds.event(kind, np.random.default_rng(seed), rate_hz)
    peak_dbfs = 20 * np.log10(np.max(np.abs(pcm.astype(int))) / FULL_SCALE)
    assert 0.1 <= pcm.size / rate_hz <= sounds.MAX_EVENT_S
    assert sounds.PEAK_DBFS[0] - 0.1 <= peak_dbfs <= sounds.PEAK_DBFS[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_repeats_its_events_and_draws_other_variants(kind: EventKind) -> None:
    first, again = (sounds.event(kind, np.random.default_rng(3), 8000) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = sounds.event(kind, np.random.default_rng(4), 8000)
    assert first.shape != other.shape or not np.array_equal(first, other)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), pitch_hz=st.floats(80, 280))
def test_a_hum_is_as_short_as_a_backchannel_and_voiced(seed: int, pitch_hz: float) -> None:
    pcm = sounds.hum(np.random.default_rng(seed), 8000, pitch_hz)
    assert 0.15 <= pcm.size / 8000 <= 0.6
    power = np.abs(np.fft.rfft(pcm.astype(float))) ** 2
    below = np.fft.rfftfreq(pcm.size, 1 / 8000) < 700
    assert np.sum(power[below]) > 0.8 * np.sum(power)


@pytest.mark.parametrize(("digit", "pair_hz"), DIGITS.items())
def test_a_digit_is_its_pair_of_tones(digit: str, pair_hz: tuple[int, int]) -> None:
    pcm = sounds.dtmf(digit, 8000, tone_ms=1000, gap_ms=0)
    strongest = np.argsort(np.abs(np.fft.rfft(pcm.astype(float))))[-2:]
    assert sorted(strongest) == list(pair_hz)


def test_digits_have_gaps_between_them() -> None:
    pcm = sounds.dtmf("12", 8000, tone_ms=50, gap_ms=70)
    assert pcm.size == 2 * 120 * 8
    assert not np.any(pcm[400:960])
    with pytest.raises(KeyError):
        sounds.dtmf("x", 8000)


@pytest.mark.parametrize("kind", ["white", "pink", "hum", "street", "music"])
@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_a_background_loops_without_a_click(kind: str, rate_hz: int) -> None:
    pcm = getattr(backgrounds, kind)(np.random.default_rng(5), rate_hz).astype(int)
    assert pcm.size >= 3 * rate_hz
    assert abs(pcm[0] - pcm[-1]) <= np.max(np.abs(np.diff(pcm)))


def test_babble_is_made_of_the_phrases() -> None:
    phrase = np.rint(9000 * np.sin(np.arange(4000) * 2 * np.pi * 440 / 8000)).astype(np.int16)
    pcm = backgrounds.babble(np.random.default_rng(6), 8000, [phrase])
    spectrum = np.abs(np.fft.rfft(pcm.astype(float)))
    assert np.fft.rfftfreq(pcm.size, 1 / 8000)[np.argmax(spectrum)] == pytest.approx(440, abs=3)
