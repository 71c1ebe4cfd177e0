"""`interject talk`: a conversation in the terminal, with what the caller types and sees."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from call.doubles import SOON
from call.mind import Mind, hang
from dialogues.agent.doubles import PHRASES, USAGE, Booking, Talk
from dialogues.agent.doubles import calls as model_calls
from dialogues.agent.doubles import says as model_says
from media_pod.dialogues.agent.history import INTERRUPTED
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    Dialogue,
    Expect,
    HangUp,
    Pause,
    Play,
    Say,
    Transfer,
)
from media_pod.errors import SetupError
from media_pod.pod import talk as talk_module
from media_pod.pod.talk import HELP, TerminalObserver, TerminalTalk, talk_with
from media_pod.providers.chat import AssistantMessage, UserMessage
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.requests import ProviderRequest
from pod.agents import calls, says, spec_of
from providers.openai.conftest import server
from providers.openai.scripted_server import ScriptedServer

__all__ = ["server"]


class Terminal:
    """What is typed, line by line, and what is shown."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.shown: list[str] = []

    async def read(self) -> str | None:
        return self.lines.pop(0) if self.lines else None

    async def talk(self, dialogue: Dialogue) -> Sequence[str]:
        """All that is shown after the help."""
        await TerminalTalk(dialogue, self.read, self.shown.append).run()
        assert self.shown[0] == HELP
        return self.shown[1:]


async def test_lines_become_turns_and_the_end_of_input_ends_the_talk() -> None:
    mind = Mind()
    mind.answers = [[Say("Half past nine.")]]
    shown = await Terminal("what time is it", "  thanks ").talk(mind)
    assert shown == ["bot: Hello there", "bot: Half past nine.", "bot: Go on."]
    assert mind.turns == [CallerTurn("what time is it"), CallerTurn("thanks")]


async def test_an_empty_line_is_silence_and_keys_are_digits() -> None:
    mind = Mind()
    await Terminal("", "   ", "#123", "#*0#", "#12a", "# 1").talk(mind)
    assert mind.turns == [
        CallerTurn(""),
        CallerTurn(""),
        CallerTurn("", "123"),
        CallerTurn("", "*0#"),
        CallerTurn("#12a"),
        CallerTurn("# 1"),
    ]


@pytest.mark.parametrize(
    ("line", "heard", "unheard", "turn"),
    [
        ("!1 no, wait", "Hello", "there", CallerTurn("no, wait")),
        ("!0 no", "", "Hello there", CallerTurn("no")),
        ("!9 no", "Hello there", "", CallerTurn("no")),
        ("!1", "Hello", "there", CallerTurn("")),
        ("!1 #42", "Hello", "there", CallerTurn("", "42")),
    ],
)
async def test_an_interruption_says_how_many_words_were_heard(
    line: str, heard: str, unheard: str, turn: CallerTurn
) -> None:
    mind = Mind()
    shown = await Terminal(line).talk(mind)
    (cut,) = mind.cuts
    assert (cut.heard, cut.unheard, cut.answered) == (heard, unheard, True)
    assert mind.turns == [turn]
    assert f"  (heard: {heard or 'nothing'})" in shown


async def test_words_of_an_earlier_turn_do_not_count() -> None:
    mind = Mind()
    mind.answers = [[Say("One two."), Say("Three.")]]
    await Terminal("go", "!2 stop").talk(mind)
    assert (mind.cuts[0].heard, mind.cuts[0].unheard) == ("One two.", "Three.")


async def test_everything_that_the_bot_does_is_shown() -> None:
    mind = Mind()
    mind.greeting = [
        Say("Hello."),
        Play("a jingle", np.zeros(160, np.int16)),
        Pause(300),
        Expect(4),
    ]
    assert await Terminal().talk(mind) == [
        "bot: Hello.",
        "bot: (a jingle)",
        "  (300 ms of silence)",
        "  (expects 4 digits)",
    ]


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        (HangUp("done"), "  (the bot hangs up: done)"),
        (Transfer("phones,601,1"), "  (the bot transfers to phones,601,1)"),
    ],
)
async def test_the_bot_ends_the_talk_and_its_turn_is_closed(act: Act, shown: str) -> None:
    mind = Mind()

    async def goes() -> AsyncIterator[Act]:
        yield Say("Bye.")
        yield act
        await hang()

    mind.answers = [goes]
    terminal = Terminal("bye", "are you there")
    assert (await terminal.talk(mind))[-2:] == ["bot: Bye.", shown]
    assert terminal.lines == ["are you there"]
    assert mind.streaming == 0


async def test_a_dialogue_that_hangs_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(talk_module, "DEADLINE_S", SOON)
    mind = Mind()

    async def silent() -> AsyncIterator[Act]:
        await hang()
        yield Say("")

    mind.answers = [silent]
    with pytest.raises(ProviderError, match=r"the dialogue: nothing for 0\.01 s"):
        await Terminal("hello").talk(mind)
    assert mind.streaming == 0


async def test_the_model_learns_of_an_interruption_as_in_a_call() -> None:
    agent = Talk(model_says("We open at nine."), model_says("Sure."))
    await Terminal("when", "!2 and on Sunday").talk(agent.agent)
    assert agent.shown[1:] == [
        UserMessage("when"),
        AssistantMessage("We open"),
        UserMessage(f"{INTERRUPTED}\nand on Sunday"),
    ]


async def test_after_a_false_stop_the_bot_goes_on() -> None:
    agent = Talk(model_says("We open at nine."))
    shown = await Terminal("when", "!2", "").talk(agent.agent)
    assert shown[-2:] == ["bot: at nine.", f"bot: {PHRASES.still_there}"]


class Now:
    """Each question is 0.25 s after the one before."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 0.25
        return self.now_s


def test_tools_and_costs_are_shown() -> None:
    shown: list[str] = []
    observer = TerminalObserver(shown.append, Now())
    tool, plain = ProviderRequest("tool", "book", text='{"n": 2}'), ProviderRequest("tool", "list")
    llm, failed = ProviderRequest("llm", "openai", "m"), ProviderRequest("llm", "openai", "m")
    for request in (tool, plain, llm, failed):
        observer.requested(request)
    observer.answered(llm)
    observer.finished(tool, None, "booked")
    observer.finished(llm, USAGE, "")
    observer.failed(failed, ProviderError("openai: too late", FailureKind.TIMEOUT))
    observer.abandoned(plain)
    assert shown == [
        '  tool book({"n": 2})',
        "  tool list({})",
        "  tool book -> booked",
        "  (m: first result after 500 ms, 100 + 20 tokens)",
        "  (llm openai failed: openai: too late)",
    ]


async def test_tools_are_called() -> None:
    booking = Booking()
    agent = Talk(model_calls("book", text="One second."), model_says("Done."), tools=[booking])
    shown = await Terminal("book it").talk(agent.agent)
    assert shown[-2:] == ["bot: One second.", "bot: Done."]
    assert booking.arguments == [{}]


async def test_a_whole_conversation_with_a_server(server: ScriptedServer) -> None:
    calls(server, "send_digits", '{"digits": "1"}', text="Wait.")
    says(server, "Good day, Ann.")
    spec = spec_of(
        server.url,
        instructions="The caller is {{ name }}, {{ caller }}.",
        greeting={"text": "Hello {{ name }}."},
        variables={"name": ""},
        tools=[{"kind": "sendDigits"}],
    )
    terminal = Terminal("hi")
    info = CallInfo("talk", "+4930", variables={"name": "Ann"})
    await talk_with(spec, Path(), info, terminal.read, terminal.shown.append)
    shown = "\n".join(terminal.shown[1:])
    for line in (
        "bot: Hello Ann.",
        "bot: Wait.",
        '  tool send_digits({"digits": "1"})',
        "  tool send_digits -> Sent.",
        "bot: (digits 1)",
        "bot: Good day, Ann.",
    ):
        assert line in shown
    assert "12 + 3 tokens" in shown
    first = server.posted[0].body["messages"][0]
    assert first["content"].startswith("The caller is Ann, +4930.")


async def test_a_model_that_fails_ends_the_talk_and_nothing_stays_open(
    server: ScriptedServer,
) -> None:
    server.fails(400, {"error": {"message": "no"}})
    terminal = Terminal("hi")
    spec = spec_of(server.url, greeting={"text": "Hello."})
    with pytest.raises(ProviderError):
        await talk_with(spec, Path(), CallInfo("t"), terminal.read, terminal.shown.append)
    assert any("(llm openai failed: " in line for line in terminal.shown)


async def test_an_invalid_template_ends_the_talk_before_it_begins(server: ScriptedServer) -> None:
    terminal = Terminal("hi")
    spec = spec_of(server.url, instructions="{{ nmae }}")
    with pytest.raises(SetupError, match=r"spec\.instructions: found the variable nmae"):
        await talk_with(spec, Path(), CallInfo("t"), terminal.read, terminal.shown.append)
    assert terminal.shown == []
    assert server.received == []


async def test_a_talk_that_is_broken_off_closes_the_request(server: ScriptedServer) -> None:
    server.hangs()
    terminal = Terminal("hi")
    spec = spec_of(server.url, greeting={"text": "Hello."})
    talking = asyncio.create_task(
        talk_with(spec, Path(), CallInfo("t"), terminal.read, terminal.shown.append)
    )
    async with asyncio.timeout(5):
        await server.hanging.wait()
        talking.cancel()
        await asyncio.wait([talking])
        await server.gone.wait()
