"""A playout that is ducked: what leaves is quieter, and is accounted for to the sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from call.doubles import FRAME, RATE_HZ, leave, speech
from media_pod.call.duck_gain import DUCK_DB
from media_pod.call.playout import FADE_MS, Playout
from media_pod.providers.ports import Pcm, Speech, Word

FADE = FADE_MS * RATE_HZ // 1000
LOUD = 20_000
DUCKED = round(LOUD * 10 ** (-DUCK_DB / 20))
TONE: Pcm = np.rint(10_000 * np.sin(np.arange(8000) * 2 * np.pi * 300 / RATE_HZ)).astype(np.int16)


def talking(value: int = LOUD) -> Playout:
    """In the middle of 20 words of two frames each."""
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(" ".join(f"w{n}" for n in range(20)), value))
    leave(playout)
    return playout


def steps(*frames: Pcm) -> NDArray[np.int64]:
    """Sizes of the steps between samples."""
    return np.abs(np.diff(np.concatenate(frames).astype(np.int64)))


def test_the_next_frame_is_ducked_in_its_first_half() -> None:
    playout = talking()
    playout.duck.ducked = True

    first, second = leave(playout), leave(playout)

    assert DUCKED < first[0] < LOUD
    assert (first[FADE - 1 :] == DUCKED).all()
    assert (second == DUCKED).all()


def test_it_comes_back_over_200_ms() -> None:
    playout = talking()
    playout.duck.ducked = True
    leave(playout)
    playout.duck.ducked = False

    back = np.concatenate([leave(playout) for _ in range(11)])

    assert (np.diff(back[: 10 * FRAME].astype(np.int64)) >= 0).all()
    assert back[0] < 1.01 * DUCKED
    assert back[9 * FRAME] < LOUD
    assert (back[10 * FRAME - 1 :] == LOUD).all()


@pytest.mark.parametrize("queued_frames", [0, 4])
def test_a_stop_after_a_duck_fades_out_from_where_it_was(queued_frames: int) -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(Speech("tone", TONE, (Word("tone", 0, TONE.size),)))
    frames: list[Pcm] = []
    for number in range(13):
        playout.duck.ducked = number >= 6
        frames.append(leave(playout, number - queued_frames if queued_frames else None))
    played = frames[: 13 - queued_frames - 1] if queued_frames else frames

    playout.stop()
    fade = leave(playout, len(played) if queued_frames else None)

    assert fade.any()
    assert not fade[FADE:].any()
    assert steps(*played[7:], fade).max() <= steps(*frames[8:]).max() + 1
    assert not leave(playout).any()


@given(st.integers(0, 12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_after_any_ducks_a_stop_is_silent_within_the_frame(frames: int, ducked: list[bool]) -> None:
    playout = talking()
    for duck in ducked[:frames]:
        playout.duck.ducked = duck
        leave(playout)

    playout.stop()

    assert not leave(playout)[FADE:].any()
    assert not leave(playout).any()


def test_a_duck_while_the_stop_fades_concerns_what_is_said_next() -> None:
    playout = talking()
    playout.stop()
    playout.duck.ducked = True
    playout.add(speech("next", LOUD))

    fade, first, second = leave(playout), leave(playout), leave(playout)

    assert not fade[FADE:].any()
    assert (first[FADE - 1 :] == DUCKED).all()
    assert (second == DUCKED).all()


@pytest.mark.parametrize("played", [None, 0])
def test_a_refused_frame_is_the_next_one_again_to_the_sample(played: int | None) -> None:
    playout = talking()
    playout.duck.ducked = True
    refused = playout.take(played)
    playout.sent(accepted=False)

    assert np.array_equal(leave(playout, played), refused)


def test_the_ramps_go_on_in_pauses_and_between_utterances() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.duck.ducked = True
    playout.pause(20)
    assert not leave(playout).any()
    playout.add(speech("one", LOUD))
    assert (leave(playout) == DUCKED).all()
    leave(playout)

    playout.duck.ducked = False
    for _ in range(10):
        assert not leave(playout).any()
    playout.add(speech("two", LOUD))
    assert (leave(playout) == LOUD).all()


def test_what_is_held_is_not_ducked_by_a_doubt_that_is_over_when_it_leaves() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech("one", LOUD))
    playout.held = playout.duck.ducked = True
    assert not leave(playout).any()
    playout.duck.ducked = False
    for _ in range(10):
        leave(playout)
    playout.held = False

    assert (leave(playout) == LOUD).all()


def test_words_that_were_ducked_count_as_heard() -> None:
    playout = talking()
    playout.duck.ducked = True
    for _ in range(5):
        leave(playout)

    said = playout.stop()

    assert (said.heard, said.heard_ms) == ("w0 w1 w2", 120)
