"""A language model that never ends: a token every 10 ms until its stream is closed.

`python endless_model.py` serves it; `closed_streams` asks what became of its streams.
"""

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import Final

import aiohttp
from aiohttp import web
from faulty_model import serve

from providers.openai.scripted_server import MODEL, answer, chunk

TOKEN_S: Final = 0.01
CLOSED_WITHIN_S: Final = 10.0
_TOKENS: Final = ("We ", "go ", "on. ")


@dataclass(slots=True)
class TokenStream:
    """One reply; times of the machine's monotonic clock, in ns."""

    written_ns: list[int] = field(default_factory=list)
    closed_ns: int = 0


class EndlessModel:
    """See the module."""

    def __init__(self) -> None:
        self._closed: list[TokenStream] = []
        self._changed = asyncio.Condition()

    def app(self) -> web.Application:
        """All of the server."""
        app = web.Application()
        app.router.add_get("/v1/models", answer({"object": "list", "data": [{"id": MODEL}]}))
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/closed/{count}", self._closed_streams)
        return app

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        stream = TokenStream()
        try:
            while True:
                token = _TOKENS[len(stream.written_ns) % len(_TOKENS)]
                await response.write(chunk({"content": token}))
                stream.written_ns.append(time.monotonic_ns())
                await asyncio.sleep(TOKEN_S)
        finally:
            # The handler is cancelled, or cannot write, when the connection is lost.
            stream.closed_ns = time.monotonic_ns()
            self._closed.append(stream)
            async with self._changed:
                self._changed.notify_all()

    async def _closed_streams(self, request: web.Request) -> web.StreamResponse:
        """Answers once so many streams were closed."""
        count = int(request.match_info["count"])
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._closed) >= count)
        return web.json_response([asdict(stream) for stream in self._closed])


async def closed_streams(url: str, count: int) -> list[TokenStream]:
    """The streams that were closed, in order, once there are `count`."""
    timeout = aiohttp.ClientTimeout(total=CLOSED_WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        async with http.get(f"{url}/closed/{count}") as found:
            return [TokenStream(**stream) for stream in await found.json()]


if __name__ == "__main__":

    async def _main() -> None:
        await serve(EndlessModel().app())

    asyncio.run(_main())
