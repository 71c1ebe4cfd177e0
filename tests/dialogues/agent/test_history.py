"""The history of a call: what servers demand of it, and that it has what was heard."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.dialogues.agent.history import (
    CONTINUED,
    INTERRUPTED,
    NO_RESULT,
    History,
    Step,
)
from media_pod.providers.chat import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from media_pod.providers.ports import ProviderError


@dataclass(frozen=True)
class Round:
    """One reply of a model: texts with whether they are the model's own, and calls."""

    texts: list[tuple[str, bool]]
    calls: int
    results: list[str]
    """When each result comes: "now", "later" or "never"."""


@dataclass(frozen=True)
class Turn:
    """What the caller says, "" for nothing; how the bot answers; after how many words it is cut."""

    caller: str
    rounds: list[Round]
    cut: int | None


LATIN = st.lists(st.sampled_from(["yes", "no,", "one", "it's", "é."]), min_size=1, max_size=4)
HAN_SIGNS = "你好再见天气"
HAN = st.text(HAN_SIGNS, min_size=1, max_size=5)
TEXTS = st.one_of(LATIN.map(" ".join), HAN)
WHEN = st.sampled_from(["now", "later", "never"])
ROUNDS = st.lists(st.tuples(TEXTS, st.booleans()), max_size=3).flatmap(
    lambda texts: st.lists(WHEN, max_size=3).map(lambda when: Round(texts, len(when), when))
)
TURNS = st.builds(
    Turn,
    st.one_of(st.just(""), TEXTS),
    st.lists(ROUNDS, max_size=3),
    st.one_of(st.none(), st.integers(0, 12)),
)


def words(text: str) -> list[str]:
    """As a voice has them: of a script without blanks, each character."""
    return list(text) if text[0] in HAN_SIGNS else text.split()


def letters(text: str) -> str:
    return "".join(text.split())


class Model:
    """Plays turns on a history and knows what was heard."""

    def __init__(self) -> None:
        self.history = History()
        self.heard = ""
        """Letters of the model's own words that the caller heard."""
        self._number = 0
        self._later: list[tuple[Step, str]] = []

    def play(self, turn: Turn) -> None:
        if turn.caller:
            self.history.caller(turn.caller)
        else:
            self.history.silence()
        for step, call in self._later:
            step.results[call] = "late"
        self._later.clear()
        spoken: list[tuple[str, bool]] = []
        for reply in turn.rounds:
            step = self.history.begin_step()
            for text, own in reply.texts:
                step.say(text, in_history=own)
                spoken += [(word, own) for word in words(text)]
            self._call(step, reply)
        count = len(spoken) if turn.cut is None else min(turn.cut, len(spoken))
        self.heard += "".join(letters(word) for word, own in spoken[:count] if own)
        if turn.cut is not None:
            heard = " ".join(word for word, _ in spoken[:count])
            self.history.interrupted(heard, answered=bool(spoken))
            left = "".join(letters(word) for word, own in spoken[count:] if own)
            assert letters(self.history.unheard) == left

    def _call(self, step: Step, reply: Round) -> None:
        ids = [f"call-{self._number + n}" for n in range(reply.calls)]
        self._number += reply.calls
        step.calls = tuple(ToolCall(each, "book", "{}") for each in ids)
        for each, when in zip(ids, reply.results, strict=True):
            if when == "now":
                step.results[each] = "result"
            elif when == "later":
                self._later.append((step, each))


def check_order(messages: list[Message]) -> None:
    """What servers reject otherwise."""
    owed: list[str] = []
    before: Message | None = None
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.call_id == owed.pop(0)
        else:
            assert not owed
            assert type(message) is not type(before)
        if isinstance(message, AssistantMessage):
            assert message.text or message.calls
            owed = [call.id for call in message.calls]
        before = message
    assert not owed


@given(st.lists(TURNS, max_size=5))
def test_any_call_is_a_history_that_servers_accept_with_the_heard_words_alone(
    turns: list[Turn],
) -> None:
    model = Model()
    for turn in turns:
        model.play(turn)
        check_order(model.history.messages())
    said = [m.text for m in model.history.messages() if isinstance(m, AssistantMessage)]
    assert letters("".join(said)) == model.heard
    called = [m.calls for m in model.history.messages() if isinstance(m, AssistantMessage)]
    ids = [call.id for calls in called for call in calls]
    assert len(ids) == len(set(ids)) == model._number


@given(st.lists(TURNS, max_size=5))
def test_a_snapshot_brings_the_same_messages_back(turns: list[Turn]) -> None:
    model = Model()
    for turn in turns:
        model.play(turn)
    state = json.loads(json.dumps(model.history.snapshot()))

    restored = History()
    restored.restore(state)

    assert restored.messages() == model.history.messages()
    restored.caller("and then")
    check_order(restored.messages())


@pytest.mark.parametrize(
    "state",
    [{}, {"messages": [{}]}, {"messages": [{"role": "assistant", "text": "a"}]}, {"messages": 7}],
)
def test_what_is_no_snapshot_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(ProviderError, match="the history: a snapshot"):
        History().restore(state)


def greeted() -> History:
    history = History()
    history.begin_step().say("Good day.")
    return history


def test_fillers_count_as_heard_and_are_not_in_the_history() -> None:
    history = greeted()
    history.caller("book it")
    history.begin_step().say("Let me see.")
    history.begin_step().say("One moment, please.", in_history=False)
    history.begin_step().say("It is booked for nine.")

    history.interrupted("Let me see. One moment, please. It is", answered=True)

    assert history.messages()[2:] == [AssistantMessage("Let me see. It is")]
    assert history.unheard == "booked for nine."


def test_a_filler_that_was_cut_is_not_said_again() -> None:
    history = greeted()
    history.caller("book it")
    history.begin_step().say("One moment, please.", in_history=False)
    history.interrupted("One", answered=True)
    assert history.unheard == ""


def test_text_without_blanks_is_cut_at_its_last_heard_character() -> None:
    history = greeted()
    history.caller("天气")
    history.begin_step().say("今天天气很好。")
    history.interrupted("今 天 天", answered=True)
    assert history.messages()[-1] == AssistantMessage("今天天")
    assert history.unheard == "气很好。"


def test_the_result_of_a_call_may_come_in_the_next_turn() -> None:
    history = greeted()
    history.caller("book it")
    step = history.begin_step()
    step.say("Booking it.")
    step.calls = (ToolCall("a", "book", "{}"),)
    history.interrupted("Booking it.", answered=True)
    history.caller("did it work")
    assert history.messages()[3] == ToolMessage("a", NO_RESULT)

    step.results["a"] = "booked"

    assert history.messages()[3:] == [
        ToolMessage("a", "booked"),
        UserMessage(f"{INTERRUPTED}\ndid it work"),
    ]


def test_an_interruption_cuts_the_open_turn_alone() -> None:
    """The caller goes on while the bot waits for a tool of the turn before."""
    history = greeted()
    history.caller("book it")
    step = history.begin_step()
    step.say("Booking it.")
    step.calls = (ToolCall("a", "book", "{}"),)
    history.caller("did it")

    history.interrupted("", answered=False)
    history.caller("did it work")

    assert history.messages()[2:] == [
        AssistantMessage("Booking it.", step.calls),
        ToolMessage("a", NO_RESULT),
        UserMessage("did it work"),
    ]


def test_who_goes_on_after_a_call_has_begun_repeats_the_words() -> None:
    history = greeted()
    history.caller("book a table")
    step = history.begin_step()
    step.say("Sure.")
    step.calls = (ToolCall("a", "book", "{}"),)
    history.interrupted("", answered=False)
    history.caller("book a table for two")
    assert history.messages()[1:] == [
        UserMessage("book a table"),
        AssistantMessage("", step.calls),
        ToolMessage("a", NO_RESULT),
        UserMessage(f"{CONTINUED}\nbook a table for two"),
    ]


def test_what_was_not_heard_is_said_again_and_the_model_knows() -> None:
    history = greeted()
    history.caller("when")
    history.begin_step().say("We open at nine.")
    history.interrupted("We open", answered=True)
    history.silence()

    assert history.resume() == "at nine."
    history.caller("thanks")

    assert history.messages()[2:] == [
        AssistantMessage("We open at nine."),
        UserMessage("thanks"),
    ]
