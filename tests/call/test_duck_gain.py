"""The gain of a duck: how far, how fast, and never with a step that clicks."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_pod.call.duck_gain import ATTACK_MS, DUCK_DB, RELEASE_MS, DuckGain
from media_pod.providers.ports import Pcm

LEVEL = 20_000
ROUNDING_DB = 0.0013
"""Of a sample that was `LEVEL` and is ducked: half a unit of 16 bits."""
_PARTS = st.lists(st.tuples(st.booleans(), st.integers(0, 500)), min_size=1, max_size=30)
"""Whether the bot is ducked, and for how many samples."""


def gains_db(gain: DuckGain, samples: int) -> NDArray[np.float64]:
    """[samples] of the next samples."""
    applied = gain.apply(np.full(samples, LEVEL, np.int16))
    return 20 * np.log10(applied / LEVEL)


@pytest.mark.parametrize("rate_hz", [8000, 16_000])
@given(parts=_PARTS)
def test_whatever_is_decided_the_gain_stays_in_its_range_and_on_its_ramps(
    rate_hz: int, parts: list[tuple[bool, int]]
) -> None:
    gain = DuckGain(rate_hz)
    heard_db = [np.zeros(1)]
    for ducked, samples in parts:
        gain.ducked = ducked
        heard_db.append(gains_db(gain, samples))

    whole_db = np.concatenate(heard_db)
    steps_db = np.diff(whole_db)
    assert whole_db.max() <= 0
    assert whole_db.min() >= -DUCK_DB - ROUNDING_DB
    fastest_down_db = DUCK_DB / (ATTACK_MS * rate_hz / 1000)
    fastest_up_db = DUCK_DB / (RELEASE_MS * rate_hz / 1000)
    assert (steps_db >= -fastest_down_db - 2 * ROUNDING_DB).all()
    assert (steps_db <= fastest_up_db + 2 * ROUNDING_DB).all()


@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_it_is_down_within_10_ms_and_up_again_after_200(rate_hz: int) -> None:
    gain = DuckGain(rate_hz)
    gain.ducked = True
    down_db = gains_db(gain, rate_hz // 50)
    gain.ducked = False
    up_db = gains_db(gain, rate_hz // 4)

    assert down_db[rate_hz // 100 - 1 :] == pytest.approx(-15, abs=ROUNDING_DB)
    assert (down_db[: rate_hz // 100 - 1] > -14.99).all()
    assert (up_db[: rate_hz // 5 - 1] < 0).all()
    assert not up_db[rate_hz // 5 - 1 :].any()


@given(parts=_PARTS, cuts=st.lists(st.integers(1, 400), max_size=20))
def test_it_does_not_matter_in_which_parts_audio_comes(
    parts: list[tuple[bool, int]], cuts: list[int]
) -> None:
    in_one, in_parts = DuckGain(8000), DuckGain(8000)
    for ducked, samples in parts:
        in_one.ducked = in_parts.ducked = ducked
        pcm = np.arange(1, samples + 1, dtype=np.int16) * 50
        pieces: list[Pcm] = np.split(pcm, [end for end in accumulate(cuts) if end < samples])
        assert np.array_equal(
            np.concatenate([in_parts.apply(piece) for piece in pieces]), in_one.apply(pcm)
        )


def test_a_bot_that_is_not_ducked_is_left_as_it_is() -> None:
    gain = DuckGain(8000)
    pcm = np.array([-32768, 32767, 1, 0], np.int16)
    assert np.array_equal(gain.apply(pcm), pcm)
