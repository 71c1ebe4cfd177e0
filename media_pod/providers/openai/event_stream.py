"""Server-sent events with JSON values, as OpenAI-compatible servers stream them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from media_pod.providers.openai.client import reading
from media_pod.providers.ports import FailureKind, ProviderError

if TYPE_CHECKING:
    from httpx2 import Response

DONE_WAIT_S: Final = 0.1
"""How long the end of the body may take after `[DONE]`; a connection is used again only then."""

EVENTS_AT_ONCE: Final = 8
"""Parsed without serving other calls, half a millisecond; one read of the socket may bring 400, and
what is buffered comes without suspending."""

_DONE: Final = "[DONE]"
TYPE: Final = "text/event-stream"
_SHOWN_CHARS: Final = 200


async def json_events(response: "Response") -> AsyncGenerator[object, None]:
    """Yield the values of a response's events up to `[DONE]` or its end, and close it.

    Not the SDK's stream: at every `[DONE]` it leaves generators to the garbage collector, which
    closes them in tasks of their own (openai 3.57).

    Raises:
        ProviderError: an answer of another type.
        ValueError: an event is no JSON.
        openai.APIError: an event is an error.
        httpx2.RequestError: the connection failed, or a read timeout passed.
    """
    import httpx2

    async with reading(response, aiter(httpx2.EventSource(response))) as events:
        await _check_type(response)
        number = 0
        async for event in events:
            number += 1
            if number % EVENTS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if event.data.startswith(_DONE):
                with suppress(Exception):
                    async with asyncio.timeout(DONE_WAIT_S):
                        async for _ in events:
                            pass
                return
            if not event.data:  # a ping
                continue
            value = event.json()
            _check_error(value, response)
            yield value


async def _check_type(response: "Response") -> None:
    """Often it is a web page, or an error as JSON."""
    found = response.headers.get("content-type", "")
    if found.partition(";")[0].strip().lower() != TYPE:
        body = (await response.aread())[:_SHOWN_CHARS].decode(errors="replace")
        raise ProviderError(
            f"an answer of the type {found!r}, expected {TYPE!r}: {body}", FailureKind.BAD_ANSWER
        )


def _check_error(value: object, response: "Response") -> None:
    import openai

    if isinstance(value, Mapping) and (error := value.get("error")):
        raise openai.APIError("no reason given", response.request, body=error)
