"""The playout knows to the sample what was played, and so which words were heard."""

from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media_pod.call.playout import ROOM_MS, Playout
from media_pod.providers.ports import Pcm, Speech, Word
from media_pod.transport.websocket.playback import Playback

RATE_HZ = 8000
FRAME = 160


def speech(first: int, *word_samples: int, tail: int = 0) -> Speech:
    """Words `w<first>`, ... of the given lengths; every sample of a word is its number."""
    ends = list(accumulate(word_samples))
    words = tuple(
        Word(f"w{first + index}", end - size, end)
        for index, (end, size) in enumerate(zip(ends, word_samples, strict=True))
    )
    pcm = np.zeros(sum(word_samples) + tail, np.int16)
    for word in words:
        pcm[word.start_sample : word.end_sample] = int(word.text[1:])
    return Speech(" ".join(word.text for word in words), pcm, words)


@st.composite
def speeches(draw: st.DrawFn) -> list[Speech]:
    sizes = draw(
        st.lists(st.lists(st.integers(1, 500), min_size=1, max_size=4), min_size=1, max_size=5)
    )
    made: list[Speech] = []
    first = 1
    for words in sizes:
        made.append(speech(first, *words, tail=draw(st.integers(0, 300))))
        first += len(words)
    return made


def text(pieces: list[Speech]) -> str:
    return " ".join(piece.text for piece in pieces)


def played(playout: Playout, frames: int) -> Pcm:
    return np.concatenate([playout.take() for _ in range(frames)] or [np.zeros(0, np.int16)])


@given(speeches(), st.lists(st.integers(0, 60), max_size=3))
def test_what_leaves_is_what_was_added_in_order_then_silence(
    pieces: list[Speech], pauses_ms: list[int]
) -> None:
    playout = Playout(RATE_HZ, FRAME)
    expected = []
    for index, piece in enumerate(pieces):
        playout.add(piece)
        expected.append(piece.pcm)
        if index < len(pauses_ms):
            playout.pause(pauses_ms[index])
            expected.append(np.zeros(pauses_ms[index] * 8, np.int16))
    whole = np.concatenate(expected)
    frames = -(-whole.size // FRAME)

    audio = played(playout, frames)

    assert playout.empty
    assert np.array_equal(audio[: whole.size], whole)
    assert not audio[whole.size :].any()
    assert not playout.take().any()


@given(speeches(), st.integers(0, 60), st.integers(0, 5))
def test_a_word_is_heard_when_its_last_sample_has_left(
    pieces: list[Speech], frames: int, added: int
) -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.announce(text(pieces))
    for piece in pieces[:added]:
        playout.add(piece)
    audio = played(playout, frames)

    said = playout.stop()

    left = {int(number): int((audio == number).sum()) for number in np.unique(audio) if number}
    expected = [
        word.text
        for piece in pieces[:added]
        for word in piece.words
        if left.get(int(word.text[1:])) == word.end_sample - word.start_sample
    ]
    assert said.heard.split() == expected
    assert f"{said.heard} {said.unheard}".split() == text(pieces).split()


@given(speeches(), st.integers(0, 60))
def test_after_stop_the_next_frame_is_silence(pieces: list[Speech], frames: int) -> None:
    playout = Playout(RATE_HZ, FRAME)
    for piece in pieces:
        playout.add(piece)
    played(playout, frames)

    playout.stop()

    assert not playout.take().any()
    assert playout.empty


def test_pauses_do_not_count_as_speech_that_was_heard() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1, 160))
    playout.pause(100)
    playout.add(speech(2, 320))
    played(playout, 7)

    said = playout.said()

    assert (said.heard, said.unheard, said.heard_ms) == ("w1", "w2", 40)


def test_room_ends_at_the_bound_and_comes_back() -> None:
    playout = Playout(RATE_HZ, FRAME)
    room = []
    playout.pause(ROOM_MS - 20)
    room.append(playout.has_room)
    playout.pause(20)
    room.append(playout.has_room)
    playout.take()
    room.append(playout.has_room)

    assert room == [True, False, True]


def test_words_that_the_voice_left_out_do_not_count_as_unheard() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.announce("w1 w2 ...")
    playout.add(speech(1, 160, 160))
    playout.announced()
    played(playout, 1)

    said = playout.said()

    assert (said.heard, said.unheard) == ("w1", "w2")


def test_a_new_turn_counts_from_its_own_beginning() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1, 160))
    played(playout, 1)

    playout.begin()
    playout.add(speech(2, 160))
    played(playout, 1)

    said = playout.said()
    assert (said.heard, said.heard_ms) == ("w2", 20)


@given(speeches(), st.integers(0, 5), st.lists(st.integers(0, 40), min_size=1, max_size=3))
def test_on_a_line_with_a_queue_a_word_is_heard_when_it_has_left_that_queue(
    pieces: list[Speech], added: int, between: list[int]
) -> None:
    """Stopped at any time, twice, with a flush each time; Asterisk's queue as a model."""
    queue = Playback()
    playout = Playout(RATE_HZ, FRAME)
    rows: dict[int, Pcm] = {}
    for ticks in between:
        playout.announce(text(pieces))
        for piece in pieces[:added]:
            playout.add(piece)
        first = int(queue.next_mark)
        for _ in range(ticks):
            for _ in range(queue.frames_needed):
                rows[int(queue.next_mark)] = playout.take(queue.frames_played)
                queue.push(b"row", marked=False)
            surely_left = queue.frames_played
            queue.tick()

        said = playout.stop()
        queue.flush()

        heard_rows = [rows[n] for n in range(first, surely_left + 1)] if ticks else []
        audio = np.concatenate([np.zeros(0, np.int16), *heard_rows])
        left = {int(number): int((audio == number).sum()) for number in np.unique(audio) if number}
        expected = [
            word.text
            for piece in pieces[:added]
            for word in piece.words
            if left.get(int(word.text[1:])) == word.end_sample - word.start_sample
        ]
        assert said.heard.split() == expected
        assert f"{said.heard} {said.unheard}".split() == text(pieces).split()
        assert playout.empty


def test_what_is_under_way_is_neither_played_nor_empty() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1, 160, 160))
    for _ in range(3):
        playout.take(frames_played=0)

    assert (playout.said().heard, playout.said().unheard) == ("", "w1 w2")
    assert (playout.empty, playout.under_way) == (False, True)

    playout.take(frames_played=1)
    assert (playout.said().heard, playout.said().unheard) == ("w1", "w2")
    assert playout.said().heard_ms == 20

    playout.take(frames_played=2)
    assert (playout.said().heard, playout.empty, playout.under_way) == ("w1 w2", True, False)


def test_frames_of_a_turn_that_was_stopped_count_for_no_other() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1, 160, 160))
    playout.take(frames_played=0)
    playout.take(frames_played=0)
    playout.stop()
    playout.add(speech(3, 160))
    playout.take(frames_played=2)

    assert (playout.said().heard, playout.said().unheard) == ("", "w3")
    playout.take(frames_played=3)
    assert playout.said().heard == "w3"
