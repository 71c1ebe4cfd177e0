"""The playout knows to the sample what was played, and so which words were heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from call.doubles import leave
from media_pod.call.playout import FADE_MS, ROOM_MS, Playout
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
    return np.concatenate([leave(playout) for _ in range(frames)] or [np.zeros(0, np.int16)])


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
    assert not leave(playout).any()


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
def test_after_stop_the_bot_is_silent_within_a_frame(pieces: list[Speech], frames: int) -> None:
    playout = Playout(RATE_HZ, FRAME)
    for piece in pieces:
        playout.add(piece)
    played(playout, frames)

    playout.stop()

    assert not leave(playout)[FADE_MS * RATE_HZ // 1000 :].any()
    assert not leave(playout).any()
    assert playout.empty


@pytest.mark.parametrize("queued_frames", [0, 4])
def test_a_stop_fades_out_from_where_it_was_and_does_not_click(queued_frames: int) -> None:
    tone = np.rint(10_000 * np.sin(np.arange(8000) * 2 * np.pi * 300 / RATE_HZ)).astype(np.int16)
    playout = Playout(RATE_HZ, FRAME)
    playout.add(Speech("tone", tone, (Word("tone", 0, 8000),)))
    for number in range(13):
        leave(playout, number - queued_frames if queued_frames else None)

    before = playout.stop()
    frame = leave(playout, 9 if queued_frames else None)

    played = 8 if queued_frames else 13
    heard = tone[: played * FRAME]
    steps = np.abs(np.diff(np.concatenate([heard, frame]).astype(np.int64)))
    assert frame.any()
    assert steps.max() <= np.abs(np.diff(tone.astype(np.int64))).max()
    assert before.heard_ms == played * 20
    assert playout.said().heard_ms == 0


def test_what_is_held_does_not_fade_out() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1000, 800))
    playout.held = True
    playout.stop()
    assert not leave(playout).any()


def test_speech_that_begins_at_a_stop_follows_the_fade() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1000, 800))
    leave(playout)
    playout.stop()
    playout.add(speech(7, 320))
    fade, first = leave(playout), leave(playout)
    assert fade.max() > 7
    assert (first == 7).all()


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
    leave(playout)
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
                rows[int(queue.next_mark)] = leave(playout, queue.frames_played)
                queue.push(b"row", marked=False)
            surely_left = queue.frames_played
            queue.tick()

        said = playout.stop()
        queue.flush()
        leave(playout, queue.frames_played)  # fades out
        queue.push(b"row", marked=False)

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
        leave(playout, 0)

    assert (playout.said().heard, playout.said().unheard) == ("", "w1 w2")
    assert (playout.empty, playout.under_way) == (False, True)

    leave(playout, 1)
    assert (playout.said().heard, playout.said().unheard) == ("w1", "w2")
    assert playout.said().heard_ms == 20

    leave(playout, 2)
    assert (playout.said().heard, playout.empty, playout.under_way) == ("w1 w2", True, False)


def test_frames_of_a_turn_that_was_stopped_count_for_no_other() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.add(speech(1, 160, 160))
    leave(playout, 0)
    leave(playout, 0)
    playout.stop()
    playout.add(speech(3, 160))
    leave(playout, 2)  # fades out
    leave(playout, 3)

    assert (playout.said().heard, playout.said().unheard) == ("", "w3")
    leave(playout, 4)
    assert playout.said().heard == "w3"


@dataclass(frozen=True)
class Clause:
    """A text whose speech comes in parts."""

    text: str
    parts: tuple[Speech, ...]

    @property
    def samples(self) -> int:
        return sum(part.pcm.size for part in self.parts)


@st.composite
def clauses(draw: st.DrawFn) -> list[Clause]:
    """Each with any split into parts, wrong estimates at first, and the right ones at the end."""
    made: list[Clause] = []
    for number in range(draw(st.integers(1, 3))):
        sizes = draw(st.lists(st.integers(1, 400), min_size=1, max_size=5))
        whole = speech(10 * number + 1, *sizes, tail=draw(st.integers(0, 200)))
        cuts = draw(st.lists(st.integers(0, whole.pcm.size), max_size=4))
        edges = [0, *sorted(cuts), whole.pcm.size]
        parts = []
        for index, (start, end) in enumerate(pairwise(edges)):
            is_last = index == len(edges) - 2
            stretch = draw(st.floats(0.1, 3))
            words = (
                whole.words
                if is_last
                else tuple(
                    Word(w.text, int(w.start_sample * stretch), 1 + int(w.end_sample * stretch))
                    for w in whole.words
                )
            )
            text = "" if index else whole.text
            parts.append(Speech(text, whole.pcm[start:end], words, continues=index > 0))
        made.append(Clause(whole.text, tuple(parts)))
    return made


def heard_of(added: Sequence[Sequence[Speech]], played_samples: int) -> list[str]:
    """The words whose end, by the latest estimate of their text, has been played."""
    heard: list[str] = []
    for parts in added:
        if parts:
            words = parts[-1].words
            heard += [word.text for word in words if word.end_sample <= played_samples]
            played_samples -= sum(part.pcm.size for part in parts)
            if played_samples < 0:
                break
    return heard


@pytest.mark.parametrize("queue_frames", [None, 0, 3])
@given(clauses(), st.lists(st.integers(0, 8), max_size=20), st.integers(0, 20))
def test_parts_of_a_clause_count_by_the_latest_times_of_its_words(
    queue_frames: int | None, said: list[Clause], waits: list[int], most_parts: int
) -> None:
    """However it is split, at any time, with a stream that breaks off anywhere."""
    playout = Playout(RATE_HZ, FRAME)
    everything = " ".join(clause.text for clause in said)
    for clause in said:
        playout.announce(clause.text)
    added: list[list[Speech]] = []
    frames = parts = 0
    pending = list(waits)
    for clause in said:
        added.append([])
        for part in clause.parts:
            if parts == most_parts:
                break
            parts += 1
            playout.add(part)
            added[-1].append(part)
            for _ in range(pending.pop() if pending and part.pcm.size else 0):
                if sum(p.pcm.size for a in added for p in a) < (frames + 1) * FRAME:
                    break  # a gap in the speech would move what follows
                played_frames = None if queue_frames is None else max(0, frames - queue_frames)
                leave(playout, played_frames)
                frames += 1
            now = playout.said()
            assert f"{now.heard} {now.unheard}".split() == everything.split()
        if len(added[-1]) == len(clause.parts):
            playout.announced()

    played = frames if queue_frames is None else max(0, frames - 1 - queue_frames)
    now = playout.stop()
    assert now.heard.split() == heard_of(added, played * FRAME)
    assert now.heard_ms == played * FRAME * 1000 // RATE_HZ


def test_times_that_come_after_the_sound_count() -> None:
    """A voice that streams knows them when its text is complete."""
    playout = Playout(RATE_HZ, FRAME)
    whole = speech(1, 160, 160)
    late = tuple(Word(w.text, w.start_sample * 2, w.end_sample * 2) for w in whole.words)
    playout.add(Speech(whole.text, whole.pcm, late))
    played(playout, 2)
    assert playout.said().heard == "w1"

    playout.add(Speech("", whole.pcm[:0], whole.words, continues=True))

    assert playout.empty
    assert (playout.said().heard, playout.said().unheard) == ("w1 w2", "")


def test_the_rest_of_a_clause_whose_stream_broke_is_unheard() -> None:
    playout = Playout(RATE_HZ, FRAME)
    whole = speech(1, 160, 160, 160)
    playout.announce(whole.text)
    playout.announce("and more")
    playout.add(Speech(whole.text, whole.pcm[:320], whole.words))
    played(playout, 5)
    assert playout.empty
    assert (playout.said().heard, playout.said().unheard) == ("w1 w2", "w3 and more")


def test_a_text_without_blanks_is_announced_to_its_end() -> None:
    playout = Playout(RATE_HZ, FRAME)
    playout.announce("你好。再见。")
    pcm = np.ones(FRAME, np.int16)
    playout.add(Speech("你好。", pcm, (Word("你", 0, 80), Word("好。", 80, 160))))
    leave(playout)
    assert (playout.said().heard, playout.said().unheard) == ("你好。", "再见。")
