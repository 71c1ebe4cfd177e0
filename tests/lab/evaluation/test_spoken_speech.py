"""Which words of the bot a line carried, by its recording alone."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from call.doubles import Provider
from interject_lab.evaluation.calls.spoken_speech import (
    RecordedTts,
    SpeechLog,
    SpokenPiece,
    carried_words,
    load_speech,
)
from media_pod.providers.ports import Pcm, Speech, Word

WORD_SAMPLES = 400


def sound(words: int, seed: int = 1) -> Pcm:
    """Noise without a silent sample, `WORD_SAMPLES` for each word."""
    rng = np.random.default_rng(seed)
    size = words * WORD_SAMPLES
    pcm: Pcm = (rng.integers(300, 9000, size) * rng.choice((-1, 1), size)).astype(np.int16)
    return pcm


def speech(text: str, seed: int = 1) -> Speech:
    words = text.split()
    times = [Word(w, i * WORD_SAMPLES, (i + 1) * WORD_SAMPLES) for i, w in enumerate(words)]
    return Speech(text, sound(len(words), seed), tuple(times))


def pieces_of(*spoken: Speech) -> list[SpokenPiece]:
    log = SpeechLog()
    for each in spoken:
        log.add(each)
    return list(log.pieces())


def carried(pieces: list[SpokenPiece], *line: Pcm) -> str:
    return " ".join(word.text for word in carried_words(pieces, np.concatenate(line)))


def silence(samples: int) -> Pcm:
    return np.zeros(samples, np.int16)


@given(before=st.integers(0, 3000), cut=st.integers(0, 5 * WORD_SAMPLES))
def test_a_word_was_carried_if_its_last_sample_was(before: int, cut: int) -> None:
    spoken = speech("one two three four five")
    line = [silence(before), spoken.pcm[:cut], silence(2000)]
    words = "one two three four five".split()[: cut // WORD_SAMPLES]
    assert carried(pieces_of(spoken), *line) == " ".join(words)


def test_words_are_in_the_order_of_the_line_and_have_its_times() -> None:
    first, second = speech("one two", 1), speech("three four", 2)
    line = np.concatenate([silence(100), second.pcm, silence(7), first.pcm])
    found = carried_words(pieces_of(first, second), line)
    assert [word.text for word in found] == ["three", "four", "one", "two"]
    assert found[0].end_sample == 100 + WORD_SAMPLES


def test_a_sentence_that_is_played_twice_counts_twice() -> None:
    spoken = speech("one two")
    line = (spoken.pcm, silence(50), spoken.pcm[:WORD_SAMPLES], silence(50))
    assert carried(pieces_of(spoken), *line) == "one two one"


def test_parts_of_one_text_are_found_apart_with_the_latest_times() -> None:
    whole = speech("one two three")
    half = WORD_SAMPLES + WORD_SAMPLES // 2
    early = (Word("one", 0, 10), Word("two", 10, 20), Word("three", 20, 30))
    parts = (
        Speech(whole.text, whole.pcm[:half], early),
        Speech("", whole.pcm[half:], whole.words, continues=True),
    )
    pieces = pieces_of(*parts)
    # The playout ran dry between the parts.
    line = (whole.pcm[:half], silence(333), whole.pcm[half : 2 * WORD_SAMPLES])
    assert carried(pieces, *line) == "one two"


def test_silence_and_nothing_have_no_words() -> None:
    quiet = Speech("hush", silence(800), (Word("hush", 0, 800),))
    assert carried(pieces_of(quiet), silence(4000)) == ""
    assert carried([], silence(0)) == ""


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    log = SpeechLog()
    log.add(speech("one two", 1))
    log.add(speech("three", 2))
    log.save(tmp_path)
    for loaded, kept in zip(load_speech(tmp_path), log.pieces(), strict=True):
        assert loaded.words == kept.words
        np.testing.assert_array_equal(loaded.pcm, kept.pcm)


class Speaker(Provider):
    """Speaks in two sentences; counts those that were closed before their end."""

    closed = 0

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        try:
            yield speech("one", 1)
            yield speech("two", 2)
        finally:
            self.closed += 1


async def test_a_voice_that_is_kept_speaks_as_before_and_is_closed_early() -> None:
    voice, log = Speaker(), SpeechLog()
    kept = RecordedTts(voice, log)
    async with aclosing(kept.speak("one. two.")) as spoken:
        assert (await anext(spoken)).text == "one"
    assert voice.closed == 1
    assert [word.text for piece in log.pieces() for word in piece.words] == ["one"]
