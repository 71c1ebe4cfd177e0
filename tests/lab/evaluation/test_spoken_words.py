"""Which of the caller's words a transcript has."""

from hypothesis import given
from hypothesis import strategies as st

from interject_lab.evaluation.stand_ins.spoken_words import CallerWords


def said(*words: tuple[str, float]) -> CallerWords:
    made = CallerWords()
    for text, end_s in words:
        made.say(text, end_s)
    return made


def at(words: CallerWords, now_s: float) -> CallerWords:
    words.now_s = now_s
    return words


def test_a_word_is_there_when_it_has_ended() -> None:
    words = said(("My", 1.0), ("number", 1.5), ("is", 2.0))
    assert at(words, 1.4).so_far(5) == "My"
    assert at(words, 1.5).so_far(5) == "My number"
    assert at(words, 3.0).transcript(5) == "My number is"


def test_words_from_before_the_audio_are_not_in_it() -> None:
    words = said(("Hello?", 1.0), ("Yes.", 4.0))
    assert at(words, 5.0).transcript(2) == "Yes."


def test_a_stop_without_words_has_none() -> None:
    assert at(said(("Yes.", 4.0)), 2.0).transcript(1) == ""


def test_an_answered_turn_is_not_repeated() -> None:
    words = said(("Yes.", 1.0), ("No.", 3.0))
    assert at(words, 1.5).transcript(1) == "Yes."
    words.bot_speaks()
    assert at(words, 3.5).transcript(3) == "No."


def test_a_caller_who_goes_on_before_the_answer_is_repeated() -> None:
    words = said(("Four", 1.0), ("eight", 3.0))
    assert at(words, 1.5).transcript(1) == "Four"
    # The gap in which the agent thought is in no audio.
    assert at(words, 3.5).transcript(1.5) == "Four eight"


def test_the_end_of_the_bots_speech_answers_nothing() -> None:
    words = said(("Stop.", 1.0))
    words.bot_speaks()
    assert at(words, 2.0).transcript(2) == "Stop."


@given(st.lists(st.floats(0.1, 2.0), min_size=1, max_size=20), st.data())
def test_turns_that_are_answered_have_every_word_once(
    gaps: list[float], data: st.DataObject
) -> None:
    words, now_s, transcripts = CallerWords(), 0.0, ""
    for number, gap_s in enumerate(gaps):
        now_s += gap_s
        words.say(str(number), now_s)
        if data.draw(st.booleans()) or number == len(gaps) - 1:
            transcripts += " " + at(words, now_s).transcript(now_s)
            words.bot_speaks()
    assert transcripts.split() == [str(number) for number in range(len(gaps))]
