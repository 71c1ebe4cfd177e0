"""Conversations with the parcel desk, as text and DTMF."""

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call.doubles import Unobserved
from media_pod.dialogues.parcel_desk.desk import ParcelDesk
from media_pod.dialogues.parcel_desk.script import POLICY
from media_pod.dialogues.ports import Act, CallerTurn, CallInfo, HangUp, Interruption, Say, Transfer
from media_pod.providers.ports import ProviderError


class Caller:
    """Talks to a desk, and remembers what it said last."""

    def __init__(self, person: str = "") -> None:
        self._person = person
        self.desk = ParcelDesk(CallInfo("5f0e"), Unobserved(), person)
        self.acts: list[Act] = []

    async def call(self) -> str:
        return await self._hear(self.desk.greet())

    async def says(self, text: str = "", digits: str = "") -> str:
        return await self._hear(self.desk.reply(CallerTurn(text, digits)))

    async def reaches_the_policy(self) -> str:
        await self.call()
        await self.says("four seven one two")
        return await self.says("yes")

    def moves_to_another_pod(self) -> None:
        """The desk goes on from its snapshot, which has crossed a network as JSON."""
        state = json.loads(json.dumps(self.desk.snapshot()))
        self.desk = ParcelDesk(CallInfo("5f0e"), Unobserved(), self._person)
        self.desk.restore(state)

    def cuts_after(self, heard_to: str) -> None:
        """Speak over the bot when it has said all up to and including `heard_to`."""
        said = self.said
        end = said.index(heard_to) + len(heard_to)
        self.desk.interrupted(Interruption(said[:end], said[end:].strip(), 1000, 5000))

    @property
    def said(self) -> str:
        return " ".join(act.text for act in self.acts if isinstance(act, Say))

    @property
    def hung_up(self) -> bool:
        return isinstance(self.acts[-1], HangUp)

    async def _hear(self, acts: AsyncIterator[Act]) -> str:
        self.acts = [act async for act in acts]
        return self.said


@pytest.mark.parametrize(("text", "digits"), [("operator", ""), ("", "0#")])
async def test_a_caller_who_asks_for_a_person_is_transferred(text: str, digits: str) -> None:
    caller = Caller(person="phones,200,1")
    await caller.reaches_the_policy()
    assert await caller.says(text, digits) == "One moment please, I put you through."
    assert caller.acts[-1] == Transfer("phones,200,1")


async def test_without_a_person_the_desk_says_so_and_goes_on() -> None:
    caller = Caller()
    await caller.call()
    said = await caller.says(digits="0")
    assert said.startswith("I am sorry, nobody else is here. Please tell me the four digits")
    assert not caller.hung_up


async def test_a_whole_call() -> None:
    caller = Caller()
    assert (await caller.call()).endswith("Please tell me the four digits of your tracking number.")
    assert await caller.says("four seven one two") == "I have 4 7 1 2. Is that right?"
    said = await caller.says("yes")
    assert said.startswith("Your parcel 4 7 1 2 is at the sorting centre")
    assert all(sentence in said for sentence in POLICY)
    assert said.endswith("Would you like to change the address, or is that all for today?")
    assert (await caller.says("change my address")).startswith("What is the new street")
    confirm = await caller.says("church lane three eight")
    assert confirm == "That is Church Lane, house number 3 8. Is that right?"
    assert (await caller.says("yes")).startswith(
        "Thank you. Your parcel goes to Church Lane, house number 3 8."
    )
    assert await caller.says("no") == "Thank you for calling. Goodbye."
    assert caller.hung_up


async def test_a_whole_call_by_dtmf() -> None:
    caller = Caller()
    await caller.call()
    assert "4 7 1 2" in await caller.says(digits="4712#")
    assert POLICY[0] in await caller.says(digits="1")
    caller.cuts_after(POLICY[1])
    assert (await caller.says(digits="1")).startswith(POLICY[2])


async def test_a_wrong_number_is_corrected_with_the_no() -> None:
    caller = Caller()
    await caller.call()
    await caller.says("4 7 1 2")
    assert await caller.says("no, 4 7 1 3") == "I have 4 7 1 3. Is that right?"
    assert "tracking number" in await caller.says("no")


async def test_stopping_the_policy_and_going_on_where_it_was_cut() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("If nobody opens")
    assert await caller.says("stop") == "All right, I have stopped. Shall I go on?"
    said = await caller.says("yes")
    assert said.startswith(POLICY[2])
    assert POLICY[1] not in said
    assert said.endswith("is that all for today?")


async def test_stopping_the_policy_for_good() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after(POLICY[0])
    await caller.says("wait")
    said = await caller.says("no")
    assert said.startswith("All right. Would you like to change the address")


async def test_repeat_says_the_sentence_that_was_cut_and_go_on_the_next() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("The depot keeps")
    assert await caller.says("repeat") == f"{POLICY[3]} Shall I go on?"
    assert (await caller.says("go on")).startswith(POLICY[4])


async def test_cutting_the_repetition_offers_the_same_sentence() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("The depot keeps")
    await caller.says("repeat")
    caller.cuts_after("The depot keeps every")
    assert (await caller.says("yes")).startswith(POLICY[3])


async def test_cutting_the_offer_does_not_lose_the_place() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("The depot keeps")
    await caller.says("stop")
    caller.cuts_after("All right,")
    assert (await caller.says("yes")).startswith(POLICY[3])


async def test_a_second_interruption_is_placed_in_what_was_said_after_the_first() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("If nobody opens")
    await caller.says("go on")
    caller.cuts_after("After ten")
    await caller.says("hold on")
    assert (await caller.says("continue")).startswith(POLICY[4])


async def test_noise_over_the_policy_offers_to_go_on() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("If nobody opens")
    assert await caller.says("") == "Sorry, I did not understand that. Shall I go on?"
    assert (await caller.says("yes")).startswith(POLICY[2])


async def test_the_address_is_changed_from_within_the_policy() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("If nobody opens")
    assert "What is the new street" in await caller.says("address")


async def test_speaking_over_the_last_question_answers_it() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after("Would you like")
    assert "What is the new street" in await caller.says("yes")


async def test_a_house_number_alone_keeps_the_street() -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    await caller.says("address")
    assert await caller.says("one nine") == "That is Station Road, house number 1 9. Is that right?"
    assert "Market Street, house number 1 9" in await caller.says("no, market street")


async def test_after_three_misunderstandings_the_call_ends_politely() -> None:
    caller = Caller()
    await caller.call()
    assert "keys" not in await caller.says("elephants")
    assert "on the keys of your telephone" in await caller.says("")
    assert (await caller.says("four seven")).endswith("Please call again later. Goodbye.")
    assert caller.hung_up


async def test_being_understood_forgives_what_was_not() -> None:
    caller = Caller()
    await caller.call()
    await caller.says("")
    await caller.says("")
    await caller.says("4712")
    await caller.says("")
    assert "press one" in await caller.says("")
    assert not caller.hung_up


async def test_an_unknown_number_is_asked_for_again() -> None:
    caller = Caller()
    await caller.call()
    await caller.says("oh one two three")
    said = await caller.says("yes")
    assert said.startswith("I have no parcel 0 1 2 3.")
    assert said.endswith("tracking number.")
    assert "9 9 9 9" in await caller.says("9999")


@pytest.mark.parametrize("text", ["goodbye", "good bye", "bye"])
async def test_goodbye_ends_the_call_at_any_point(text: str) -> None:
    caller = Caller()
    await caller.reaches_the_policy()
    caller.cuts_after(POLICY[0])
    assert await caller.says(text) == "Thank you for calling. Goodbye."
    assert caller.hung_up


async def test_repeat_and_wait_outside_the_policy() -> None:
    caller = Caller()
    await caller.call()
    question = await caller.says("4712")
    assert await caller.says("repeat") == question
    assert await caller.says("wait") == f"All right, take your time. {question}"


async def test_help_says_what_can_be_said() -> None:
    caller = Caller()
    await caller.call()
    assert "where your parcel is" in await caller.says("help me")
    assert not caller.hung_up


async def test_the_same_call_gives_the_same_answers() -> None:
    first, second = Caller(), Caller()
    assert await first.reaches_the_policy() == await second.reaches_the_policy()


def test_the_policy_is_long_enough_to_be_interrupted() -> None:
    words = sum(len(sentence.split()) for sentence in POLICY)
    assert words / 165 * 60 > 20


WORDS = ("4 7 1 2", "yes", "no", "stop", "go on", "repeat", "harbour street 12", "hm", "where")


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.booleans()), max_size=12))
async def test_a_desk_that_moves_between_turns_says_the_same(turns: list[tuple[str, bool]]) -> None:
    stays, moves = Caller(), Caller()
    await stays.call()
    await moves.call()
    for words, cut in turns:
        if cut and stays.said:
            for caller in (stays, moves):
                caller.cuts_after(caller.said[: len(caller.said) // 2].rpartition(" ")[0] or " ")
        moves.moves_to_another_pod()
        assert await moves.says(words) == await stays.says(words)
        assert moves.acts == stays.acts


def test_a_snapshot_of_something_else_is_refused() -> None:
    with pytest.raises(ProviderError, match="a snapshot with page, expected address, failures"):
        Caller().desk.restore({"page": 3})
