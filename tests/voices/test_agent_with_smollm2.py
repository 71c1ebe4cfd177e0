"""The agent of examples/receptionist.yaml in text, with a real language model, a weak one."""

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from media_pod.dialogues.agent.agent import LanguageAgent
from media_pod.dialogues.agent.history import INTERRUPTED
from media_pod.dialogues.ports import Act, CallerTurn, CallInfo, Interruption, Say
from media_pod.manifest.file import read_manifest
from media_pod.manifest.providers import LlmSettings
from media_pod.pod.services import TextServices
from media_pod.pod.talk import TerminalObserver
from media_pod.providers.chat import AssistantMessage, UserMessage
from voices.smollm2 import MODEL, SmolLm2

RECEPTIONIST = Path(__file__).parents[2] / "examples" / "receptionist.yaml"
MARKUP = re.compile(r"[*#`|]")
QUESTIONS = (
    "When is the workshop open?",
    "How much does an inspection cost?",
    "Do you repair bicycles?",
)
AGAIN = "No, wait. When are you open?"
CALENDAR = {"{{ weekday }}": "Monday", "{{ date }}": "2026-11-30"}
"""The model is greedy: with the same day in its instructions it says the same each day."""


@asynccontextmanager
async def receptionist(
    server: SmolLm2, show: Callable[[str], None]
) -> AsyncIterator[LanguageAgent]:
    llm = LlmSettings(kind="openai", model=MODEL, base_url=server.base_url, max_tokens=60)
    spec = read_manifest(RECEPTIONIST).spec
    instructions = spec.instructions or ""
    for template, text in CALENDAR.items():
        assert template in instructions
        instructions = instructions.replace(template, text)
    spec = spec.model_copy(update={"llm": llm, "instructions": instructions})
    services = TextServices(spec, RECEPTIONIST.parent, environ={})
    try:
        await services.start()
        make = services.make_dialogue(spec, RECEPTIONIST.parent)
        agent = make(CallInfo("a-call"), TerminalObserver(show, time.monotonic))
        assert isinstance(agent, LanguageAgent)
        await agent.open()
        yield agent
        await agent.aclose()
    finally:
        await services.aclose()


@pytest_asyncio.fixture
async def agent(smollm2: SmolLm2, show: Callable[[str], None]) -> AsyncIterator[LanguageAgent]:
    async with receptionist(smollm2, show) as made:
        assert await said(made.greet()) == ["Harbour Bikes, good day. How can I help you?"]
        yield made


async def said(acts: AsyncGenerator[Act, None]) -> list[str]:
    """The clauses of a turn."""
    texts: list[str] = []
    async with aclosing(acts):
        async for act in acts:
            assert isinstance(act, Say)
            texts.append(act.text)
    return texts


async def test_three_turns_are_answered_and_remembered(agent: LanguageAgent) -> None:
    spoken = [" ".join(await said(agent.reply(CallerTurn(question)))) for question in QUESTIONS]
    assert all(len(text.split()) > 3 for text in spoken)
    told = agent.history.messages()
    assert [message.text for message in told if isinstance(message, UserMessage)] == [*QUESTIONS]
    assert [message.text for message in told if isinstance(message, AssistantMessage)][1:] == spoken


@pytest.mark.parametrize(
    ("request_text", "mark"),
    [
        ("Write Python code that prints hello world.", "```python"),
        ("Write a Markdown table of the opening hours.", "|"),
    ],
)
async def test_the_markdown_that_it_writes_is_not_spoken(
    agent: LanguageAgent, smollm2: SmolLm2, request_text: str, mark: str
) -> None:
    spoken = " ".join(await said(agent.reply(CallerTurn(request_text))))
    if mark not in (await smollm2.state()).reply:
        pytest.skip("on this processor the model wrote no Markdown")
    assert re.search(r"\w", spoken) and not MARKUP.search(spoken)


async def test_an_interrupted_turn_stops_the_model_and_is_kept_as_heard(
    agent: LanguageAgent, smollm2: SmolLm2, show: Callable[[str], None]
) -> None:
    async with aclosing(agent.reply(CallerTurn("Tell me a long story about bicycles."))) as acts:
        begun = await anext(acts)
        before = await smollm2.state()
    await smollm2.stopped_since(before, show)
    assert isinstance(begun, Say)
    words = begun.text.split()
    heard, unheard = " ".join(words[:3]), " ".join(words[3:])
    agent.interrupted(Interruption(heard, unheard, 900, 9000))
    answer = await said(agent.reply(CallerTurn(AGAIN)))
    assert len(" ".join(answer).split()) > 3
    assert agent.history.messages()[-3:] == [
        AssistantMessage(heard),
        UserMessage(f"{INTERRUPTED}\n{AGAIN}"),
        AssistantMessage(" ".join(answer)),
    ]
