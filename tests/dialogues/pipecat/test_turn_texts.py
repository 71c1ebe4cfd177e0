"""Where the bot's texts are in its audio, and that the context is told each word once."""

from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.pipecat.turn_texts import TurnText, TurnTexts


class Turn:
    """A turn, and the latest of what was reported of it."""

    def __init__(self) -> None:
        self.reported: dict[int, tuple[str, int, int]] = {}
        self.texts = TurnTexts(self.report)

    def report(self, number: int, text: TurnText) -> None:
        self.reported[number] = (text.text, text.start, text.end)


def test_a_text_behind_its_audio_covers_the_audio_since_the_one_before() -> None:
    turn = Turn()
    for arrived, text in ((1000, "One."), (1600, "Two.")):
        turn.texts.arrived = arrived
        turn.texts.add(text)
    assert turn.reported == {0: ("One.", 0, 1000), 1: ("Two.", 1000, 1600)}


def test_a_text_before_its_audio_is_placed_when_the_audio_has_come() -> None:
    turn = Turn()
    turn.texts.add("One.")
    assert turn.reported == {0: ("One.", 0, 0)}
    turn.texts.arrived = 1000
    turn.texts.add("Two.")
    turn.texts.arrived = 1600
    turn.texts.close()
    assert turn.reported == {0: ("One.", 0, 1000), 1: ("Two.", 1000, 1600)}


def test_words_that_come_at_once_share_their_audio() -> None:
    turn = Turn()
    turn.texts.arrived = 900
    for word in ("one", "two", "three"):
        turn.texts.add(word)
    turn.texts.arrived = 1500
    turn.texts.close()
    assert turn.reported == {0: ("one", 0, 900), 1: ("two three", 900, 1500)}


def test_what_was_played_is_told_once_and_what_was_heard_beyond_it() -> None:
    turn = Turn()
    for arrived, text in ((1000, "One two."), (2000, "Three four.")):
        turn.texts.arrived = arrived
        turn.texts.add(text)
    assert turn.texts.played(1000) == "One two."
    assert turn.texts.played(1500) == ""
    assert turn.texts.heard("One two. Three") == "Three"
    assert turn.texts.heard("One two. Three") == ""


def test_a_new_turn_knows_nothing_of_the_last() -> None:
    turn = Turn()
    turn.texts.arrived = 1000
    turn.texts.add("One.")
    turn.texts.played(1000)
    turn.texts.begin()
    assert turn.texts.heard("Two.") == "Two."


words = st.lists(st.text("ab.", min_size=1, max_size=4), max_size=8)


@given(words, st.lists(st.integers(0, 8), max_size=6))
def test_the_context_gets_the_heard_words_in_order_whatever_comes_between(
    texts: list[str], steps: list[int]
) -> None:
    turn = Turn()
    for number, text in enumerate(texts, 1):
        turn.texts.arrived = number * 100
        turn.texts.add(text)
    told = [turn.texts.played(step * 100) for step in sorted(steps)]
    told.append(turn.texts.heard(" ".join(texts)))
    assert " ".join(filter(None, told)).split() == texts
