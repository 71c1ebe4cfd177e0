"""Servers that reject a parameter."""

import pytest

from media_pod.providers.ports import FailureKind, ProviderError
from providers.openai.llm import YES, replied, says_yes, started
from providers.openai.scripted_server import (
    ScriptedServer,
)

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
