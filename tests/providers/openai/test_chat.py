"""A language model behind a server that answers in all the ways that servers do."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from media_pod.manifest.providers import OpenAiLlmSettings
from media_pod.providers.chat import (
    AssistantMessage,
    ChatItem,
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
from media_pod.providers.openai.chat import OpenAiLlm
from media_pod.providers.ports import FailureKind, ProviderError
from providers.openai.scripted_server import (
    API_KEY,
    DONE,
    MODEL,
    ScriptedServer,
    Step,
    answer,
    chunk,
    event,
    server,
)
from self_signed import write_pair

__all__ = ["server"]

HELLO = [UserMessage("Hello")]
STOP = chunk({}, "stop")
USAGE = {"prompt_tokens": 7, "completion_tokens": 2}
YES: list[ChatItem] = [TextDelta("Yes."), Finished(FinishReason.STOP, Usage(7, 2))]


@asynccontextmanager
async def started(
    url: str, deadline_s: float = 5.0, api_key: str | None = API_KEY, **settings: Any
) -> AsyncIterator[OpenAiLlm]:
    fields = {"kind": "openai", "model": MODEL, "base_url": url} | settings
    llm = OpenAiLlm(OpenAiLlmSettings(**fields), api_key, deadline_s)
    await llm.start()
    try:
        yield llm
    finally:
        await llm.aclose()


async def replied(llm: OpenAiLlm, messages: Sequence[Message] = HELLO) -> list[ChatItem]:
    return [item async for item in llm.chat(messages)]


def says_yes(server: ScriptedServer) -> None:
    server.streams(chunk({"content": "Yes."}), chunk({}, "stop", usage=USAGE), DONE)


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


async def test_a_conversation_with_tools_is_sent_as_the_api_has_it(server: ScriptedServer) -> None:
    tool = ToolSpec("look_up", "Looks a parcel up.", {"type": "object", "properties": {}})
    messages: list[Message] = [
        SystemMessage("Be brief."),
        UserMessage("Where is it?"),
        AssistantMessage("", (ToolCall("a", "look_up", '{"n": 1}'), ToolCall("b", "f", "{oops"))),
        ToolMessage("a", "on its way"),
        ToolMessage("b", "invalid arguments"),
        AssistantMessage("It is on its way."),
        UserMessage("Thanks."),
    ]
    async with started(server.url, temperature=0.5) as llm:
        call = {"index": 0, "id": "a", "function": {"name": "look_up", "arguments": "{}"}}
        server.streams(chunk({"tool_calls": [call]}), chunk({}, "tool_calls", usage=USAGE), DONE)
        items = [item async for item in llm.chat(messages, [tool])]
    # The id "a" is taken in this conversation.
    new, last = items
    assert isinstance(new, ToolCall) and new.name == "look_up"
    assert new.id.isalnum() and len(new.id) == 9
    assert last == Finished(FinishReason.TOOL_CALLS, Usage(7, 2))
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
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "user",
    ]
    called = body["messages"][2]
    assert called["content"] is None
    assert [(each["id"], each["function"]) for each in called["tool_calls"]] == [
        ("a", {"name": "look_up", "arguments": '{"n": 1}'}),
        ("b", {"name": "f", "arguments": "{}"}),  # a server would reject the broken text
    ]
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "a", "content": "on its way"}


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
    async with started(server.url) as llm:
        server.streams(chunk({"content": "Yes."}), STOP, *after)
        items = await replied(llm)
    assert items == [TextDelta("Yes."), Finished(FinishReason.STOP, Usage(2, 1, estimated=True))]


async def test_comments_and_pings_are_no_chunks(server: ScriptedServer) -> None:
    async with started(server.url) as llm:
        server.streams(
            b": processing\n\nevent: ping\ndata: {}\n\n",
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


REJECTIONS = [
    (
        {"error": {"message": "Unknown parameter.", "param": "stream_options"}},
        400,
        {"stream_options"},
        {},
    ),
    (
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs"}]},
        422,
        {"stream_options"},
        {},
    ),
    (
        {
            "error": {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
        400,
        {"max_tokens"},
        {"max_completion_tokens": 800},
    ),
    (
        {"error": {"message": "Unsupported value: 'temperature' does not support 0.5."}},
        400,
        {"temperature"},
        {},
    ),
]


@pytest.mark.parametrize(("body", "status", "gone", "instead"), REJECTIONS)
async def test_a_rejected_parameter_is_left_out_from_then_on(
    server: ScriptedServer, body: object, status: int, gone: set[str], instead: dict[str, int]
) -> None:
    async with started(server.url, temperature=0.5) as llm:
        server.fails(status, body)
        says_yes(server)
        assert await replied(llm) == YES
        says_yes(server)
        assert await replied(llm) == YES
    first, second, third = [each.body for each in server.posted]
    assert second == {name: value for name, value in first.items() if name not in gone} | instead
    assert third == second


async def test_a_server_that_rejects_every_parameter_gets_none(server: ScriptedServer) -> None:
    async with started(server.url, temperature=0.5) as llm:
        for name in ("max_tokens", "temperature", "stream_options", "max_completion_tokens"):
            server.fails(400, {"error": {"message": f"unknown: {name}"}})
        says_yes(server)
        assert await replied(llm) == YES
    assert set(server.posted[-1].body) == {"model", "messages", "stream"}


async def test_a_conversation_that_is_too_long_leaves_the_parameters_alone(
    server: ScriptedServer,
) -> None:
    text = "max_tokens is too large: 800. This model's maximum context length is 2048 tokens."
    async with started(server.url) as llm:
        server.fails(400, {"error": {"message": text}})
        with pytest.raises(ProviderError, match="max_tokens is too large") as raised:
            await replied(llm)
    assert raised.value.kind is FailureKind.BAD_REQUEST


async def test_check_finds_the_model_and_gets_an_answer(server: ScriptedServer) -> None:
    server.models = answer({"data": [{"id": "other"}, {"id": f"{MODEL}:latest"}]})
    async with started(server.url) as llm:
        says_yes(server)
        found = await llm.check()
    assert found == f"openai: model '{MODEL}' at {server.url}: answers, 1 of 2 models"


async def test_check_names_the_nearest_models(server: ScriptedServer) -> None:
    server.models = answer({"data": [{"id": name} for name in ("test-modem", "zebra")]})
    async with started(server.url) as llm:
        with pytest.raises(ProviderError, match=r"no such model; nearest: test-modem$") as raised:
            await llm.check()
    async with started(server.url, model="quagga") as llm:
        with pytest.raises(ProviderError, match=r"allowed: test-modem, zebra$"):
            await llm.check()
    assert raised.value.kind is FailureKind.NOT_FOUND
    assert not server.posted


@pytest.mark.parametrize(
    "models", [answer("", 404), answer("", 405), answer("<html></html>"), answer({"models": []})]
)
async def test_check_needs_no_list_of_models(server: ScriptedServer, models: Any) -> None:
    server.models = models
    async with started(server.url) as llm:
        says_yes(server)
        assert (await llm.check()).endswith("answers, without a list of models")


async def test_check_sees_a_wrong_key_with_and_without_a_list(server: ScriptedServer) -> None:
    wrong = {"error": {"message": f"Wrong key {API_KEY}", "code": "invalid_api_key"}}
    async with started(server.url) as llm:
        server.fails(401, wrong)
        with pytest.raises(ProviderError) as public_list:
            await llm.check()
        server.models = answer(wrong, 401)
        with pytest.raises(ProviderError) as raised:
            await llm.check()
    for failure in (public_list.value, raised.value):
        assert failure.kind is FailureKind.UNAUTHORIZED
        assert "Wrong key [API key]" in str(failure)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:1/v1", "refused|Connect call failed"),
        ("http://name.invalid/v1", "Name or service not known|name resolution|No address"),
    ],
)
async def test_check_says_why_a_server_is_not_reachable(url: str, text: str) -> None:
    async with started(url) as llm:
        with pytest.raises(ProviderError, match=text) as raised:
            await llm.check()
    assert raised.value.kind is FailureKind.UNREACHABLE


async def test_a_certificate_that_is_not_trusted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl

    pair = write_pair(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    scripted = ScriptedServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        async with started(url) as llm:
            with pytest.raises(ProviderError, match="self-signed certificate") as raised:
                await replied(llm)
        assert raised.value.kind is FailureKind.UNREACHABLE
        monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
        async with started(url) as llm:
            says_yes(scripted)
            assert await replied(llm) == YES
    finally:
        await runner.cleanup()


async def test_no_message_has_the_key_whatever_a_server_says(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"Bearer {API_KEY}"
    faults: list[tuple[int, object]] = [
        (400, {"error": {"message": said}}),
        (400, {"error": {"message": f"temperature {said}"}}),
        (401, said),
        (429, {"detail": said}),
        (500, f"<html>{said}</html>"),
    ]
    async with started(server.url, temperature=0.5) as llm:
        for status, body in faults:
            server.fails(status, body)
        server.streams(event({"error": said}))
        server.streams(b"data: " + said.encode() + b"\n\n")
        for _ in range(6):
            with pytest.raises(ProviderError) as raised:
                await replied(llm)
            # Python prints the cause of an exception with it.
            assert API_KEY not in f"{raised.value!r}{raised.value.__cause__!r}"
            assert raised.value.__suppress_context__
    assert not server.answers
    assert API_KEY not in caplog.text
