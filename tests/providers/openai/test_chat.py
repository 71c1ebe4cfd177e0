"""A language model behind a server that answers in all the ways that servers do."""

import asyncio
from contextlib import aclosing

import pytest

from media_pod.providers.chat import (
    AssistantMessage,
    Finished,
    FinishReason,
    Message,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolMessage,
    ToolSpec,
    Usage,
    UserMessage,
)
from media_pod.providers.openai import chat as module
from media_pod.providers.openai.event_stream import EVENTS_AT_ONCE
from media_pod.providers.ports import FailureKind, ProviderError
from providers.openai.llm import HELLO, STOP, USAGE, YES, replied, says_yes, started
from providers.openai.scripted_server import (
    API_KEY,
    DONE,
    MODEL,
    ScriptedServer,
    Step,
    chunk,
    event,
)


async def test_a_reply_is_streamed_with_its_usage(server: ScriptedServer) -> None:
    async with started(server.url) as llm:
        says_yes(server)
        assert await replied(llm) == YES
        assert (llm.name, llm.model) == ("openai", MODEL)
    (request,) = server.posted
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {API_KEY}"
    assert request.body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 800,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_text_comes_while_the_reply_is_not_over(server: ScriptedServer) -> None:
    async with started(server.url) as llm:
        server.streams(chunk({"content": "One"}), Step.HANG)
        async with aclosing(llm.chat(HELLO)) as reply:
            assert await anext(reply) == TextDelta("One")


async def test_a_burst_of_events_without_text_lets_other_calls_run(server: ScriptedServer) -> None:
    turns = 0

    async def other_call() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with started(server.url) as llm:
        burst = chunk({"reasoning_content": "so "}) * 400
        server.streams(burst + chunk({"content": "Yes."}) + chunk({}, "stop", usage=USAGE), DONE)
        other = asyncio.create_task(other_call())
        async with aclosing(llm.chat(HELLO)) as reply:
            await anext(reply)
        other.cancel()
        await asyncio.wait({other})
    assert turns > 400 / EVENTS_AT_ONCE


LOOK_UP = ToolSpec("look_up", "Looks a parcel up.", {"type": "object", "properties": {}})
CALLS = (ToolCall("a", "look_up", '{"n": 1}'), ToolCall("b", "f", "{oops"))
CONVERSATION: list[Message] = [
    SystemMessage("Be brief."),
    UserMessage("Where is it?"),
    AssistantMessage("", CALLS),
    ToolMessage("a", "on its way"),
    ToolMessage("b", "invalid arguments"),
    AssistantMessage("It is on its way."),
]


async def test_a_conversation_with_tools_is_sent_as_the_api_has_it(server: ScriptedServer) -> None:
    async with started(server.url, temperature=0.5) as llm:
        says_yes(server)
        async for _ in llm.chat(CONVERSATION, [LOOK_UP]):
            pass
    body = server.posted[0].body
    assert body["temperature"] == 0.5
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks a parcel up.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "look_up", "arguments": '{"n": 1}'},
            },
            # A server would reject the broken text.
            {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ],
    }
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is it?"},
        called,
        {"role": "tool", "tool_call_id": "a", "content": "on its way"},
        {"role": "tool", "tool_call_id": "b", "content": "invalid arguments"},
        {"role": "assistant", "content": "It is on its way."},
    ]


async def test_a_call_whose_id_was_used_before_gets_a_new_one(server: ScriptedServer) -> None:
    called = {"index": 0, "id": "a", "function": {"name": "look_up", "arguments": "{}"}}
    async with started(server.url) as llm:
        server.streams(chunk({"tool_calls": [called]}), chunk({}, "tool_calls", usage=USAGE), DONE)
        call, last = await replied(llm, CONVERSATION)
    assert isinstance(call, ToolCall)
    assert call == ToolCall(call.id, "look_up", "{}")
    # The only form that templates of Mistral's models accept.
    assert call.id.isalnum()
    assert len(call.id) == 9
    assert last == Finished(FinishReason.TOOL_CALLS, Usage(7, 2))


@pytest.mark.parametrize(
    ("steps", "kind", "text"),
    [
        ([], FailureKind.CUT, "without a finish reason"),
        ([DONE], FailureKind.CUT, "without a finish reason"),
        ([chunk({"content": "Yes"})], FailureKind.CUT, "after 3 characters"),
        ([chunk({"content": "Yes"}), Step.RESET], FailureKind.CUT, "lost in the middle"),
        ([b"data: {oops\n\n"], FailureKind.BAD_ANSWER, "expected JSON"),
        ([b"data: \xff\n\n"], FailureKind.BAD_ANSWER, "expected JSON"),
        ([b"data: " + b"[" * 5000 + b"\n\n"], FailureKind.BAD_ANSWER, "expected JSON"),
        ([b"data: [1]\n\n"], FailureKind.BAD_ANSWER, "a chunk of the type list"),
        (
            [chunk({"content": "Yes"}), event({"error": {"message": "Why.", "code": 500}})],
            FailureKind.SERVER_ERROR,
            "Why.",
        ),
        ([event({"error": "Why."})], FailureKind.SERVER_ERROR, "Why."),
    ],
)
async def test_a_stream_that_breaks_is_an_error(
    server: ScriptedServer, steps: list[bytes | Step], kind: FailureKind, text: str
) -> None:
    async with started(server.url) as llm:
        server.streams(*steps)
        with pytest.raises(ProviderError) as raised:
            await replied(llm)
        says_yes(server)
        assert await replied(llm) == YES
    assert raised.value.kind is kind
    assert text in str(raised.value)
    assert str(raised.value).startswith(f"openai: model '{MODEL}' at {server.url}: ")


@pytest.mark.parametrize("after", [[], [Step.HANG], [Step.RESET], [b"data: {oops\n\n"]])
async def test_nothing_after_the_finish_reason_harms_a_reply(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, after: list[bytes | Step]
) -> None:
    monkeypatch.setattr(module, "USAGE_WAIT_S", 0.01)
    async with started(server.url, deadline_s=3600) as llm:
        server.streams(chunk({"content": "Yes."}), STOP, *after)
        items = await replied(llm)
    assert items == [TextDelta("Yes."), Finished(FinishReason.STOP, Usage(2, 1, estimated=True))]


async def test_comments_and_pings_are_no_chunks(server: ScriptedServer) -> None:
    async with started(server.url) as llm:
        server.streams(
            b": processing\n\nevent: ping\ndata: {}\n\nevent: ping\n\n",
            chunk({"content": "Yes."}),
            chunk({}, "stop", usage=USAGE),
            DONE,
        )
        assert await replied(llm) == YES


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"<html>Sign in</html>", "text/html"), (b'{"choices": []}', "application/json")],
)
async def test_an_answer_of_another_type_is_named(
    server: ScriptedServer, body: bytes, content_type: str
) -> None:
    async with started(server.url) as llm:
        server.streams(body, content_type=content_type)
        with pytest.raises(ProviderError, match=f"type '{content_type}', expected") as raised:
            await replied(llm)
    assert raised.value.kind is FailureKind.BAD_ANSWER


async def test_a_rate_limit_passes_its_wait_on_and_is_not_repeated_here(
    server: ScriptedServer,
) -> None:
    async with started(server.url) as llm:
        server.fails(429, {"error": {"code": "rate_limit_exceeded"}}, Retry_After="7")
        with pytest.raises(ProviderError) as raised:
            await replied(llm)
    assert raised.value.kind is FailureKind.RATE_LIMITED
    assert raised.value.retry_after_s == 7
    assert len(server.posted) == 1


@pytest.mark.parametrize("steps", [None, [chunk({"content": "Yes"}), Step.HANG]])
async def test_a_server_that_hangs_is_given_up(
    server: ScriptedServer, steps: list[bytes | Step] | None
) -> None:
    async with started(server.url, deadline_s=0.05) as llm:
        if steps is None:
            server.hangs()
        else:
            server.streams(*steps)
        with pytest.raises(ProviderError, match=r"the server sent nothing for 0\.05 s") as raised:
            await replied(llm)
        await asyncio.wait_for(server.gone.wait(), 5)
    assert raised.value.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_turn_ends_the_work_at_the_server(
    server: ScriptedServer, begun: bool
) -> None:
    async with started(server.url) as llm:
        if begun:
            server.streams(chunk({"content": "One"}), Step.HANG)
        else:
            server.hangs()
        task = asyncio.create_task(replied(llm))
        await server.hanging.wait()
        server.listed.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)
        # The connection is lost: the next one is opened before it is needed.
        await asyncio.wait_for(server.listed.wait(), 5)
        await asyncio.gather(*(each for each in asyncio.all_tasks() if "openai" in each.get_name()))
        says_yes(server)
        assert await replied(llm) == YES
    *_, ahead, last = server.received
    assert ahead.path == "/v1/models"
    assert ahead.connection == last.connection


async def test_closing_the_iterator_ends_the_work_at_the_server(server: ScriptedServer) -> None:
    async with started(server.url) as llm:
        server.streams(chunk({"content": "One"}), Step.HANG)
        async with aclosing(llm.chat(HELLO)) as reply:
            await anext(reply)
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_turns_use_one_connection(server: ScriptedServer) -> None:
    async with started(server.url) as llm:
        for _ in range(3):
            says_yes(server)
            await replied(llm)
    assert len({each.connection for each in server.received}) == 1
