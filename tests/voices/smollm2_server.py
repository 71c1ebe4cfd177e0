"""SmolLM2 behind OpenAI's chat completions, streamed; a program of the environment with llama.cpp.

    python smollm2_server.py MODEL.gguf PORT

https://platform.openai.com/docs/api-reference/chat-streaming. One reply at a time; others wait.
Without a temperature it is greedy: the same messages get the same reply. It reports no usage.
`/state` tells what the model really does, which no client can see.
"""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from aiohttp import web
from cyllama import LLM, GenerationConfig  # type: ignore[import-not-found]

NAME: Final = "SmolLM2-135M-Instruct"
CONTEXT_TOKENS: Final = 2048
REPEAT_PENALTY: Final = 1.1
"""Without one, a greedy model of this size repeats its sentences for ever."""


class ModelOfOneThread:
    """The model, which is asked by one thread at a time."""

    def __init__(self, file: str) -> None:
        self._llm = LLM(file, n_ctx=CONTEXT_TOKENS)
        self._free = asyncio.Lock()
        self.generated = 0
        """Tokens since the start."""
        self.reply = ""
        """The latest one, as far as it is made."""

    @property
    def is_generating(self) -> bool:
        return self._free.locked()

    async def stream(
        self, messages: list[dict[str, str]], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        """Pieces of the reply. Closing it stops the model, and waits until it has stopped."""
        async with self._free:
            loop, stop = asyncio.get_running_loop(), threading.Event()
            # Not bounded: it has at most `max_tokens` pieces.
            pieces: asyncio.Queue[str | None] = asyncio.Queue()

            def put(piece: str | None) -> None:
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

            work = asyncio.create_task(
                asyncio.to_thread(self._generate, messages, max_tokens, stop, put)
            )
            try:
                while (piece := await pieces.get()) is not None:
                    yield piece
                await work
            finally:
                stop.set()
                self._llm.cancel()
                await asyncio.wait([work])

    def _generate(
        self,
        messages: list[dict[str, str]],
        max_tokens: int,
        stop: threading.Event,
        put: Callable[[str | None], None],
    ) -> None:
        self.reply = ""
        config = GenerationConfig(
            max_tokens=max_tokens,
            temperature=0.0,
            repeat_penalty=REPEAT_PENALTY,
            n_ctx=CONTEXT_TOKENS,
        )
        try:
            for piece in self._llm.chat(messages, config=config, stream=True):
                self.generated += 1
                self.reply += piece
                put(piece)
                # Beside `cancel`, which is forgotten when it comes before the beginning.
                if stop.is_set():
                    return
        finally:
            put(None)


class ChatServer:
    """The HTTP side."""

    def __init__(self, model: ModelOfOneThread) -> None:
        self._model = model
        self.app = web.Application()
        self.app.router.add_post("/v1/chat/completions", self._chat)
        self.app.router.add_get("/v1/models", self._models)
        self.app.router.add_get("/state", self._state)

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": NAME, "object": "model"}]})

    async def _state(self, request: web.Request) -> web.Response:
        model = self._model
        return web.json_response(
            {
                "generated": model.generated,
                "is_generating": model.is_generating,
                "reply": model.reply,
            }
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body["model"] != NAME:
            reason = f"The model {body['model']!r} does not exist"
            error = {"message": reason, "code": "model_not_found", "type": "invalid_request_error"}
            return web.json_response({"error": error}, status=404)
        messages = [
            {"role": each["role"], "content": each["content"] or ""} for each in body["messages"]
        ]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        limit, count = int(body.get("max_tokens", 256)), 0
        async with aclosing(self._model.stream(messages, limit)) as pieces:
            async for piece in pieces:
                count += 1
                await response.write(_event({"content": piece}, None))
        await response.write(_event({}, "length" if count == limit else "stop"))
        await response.write(b"data: [DONE]\n\n")
        return response


def _event(delta: dict[str, str], finish_reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": NAME, "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


async def main(file: str, port: int) -> None:
    server = ChatServer(ModelOfOneThread(file))
    # A handler is cancelled when its client has gone.
    runner = web.AppRunner(server.app, handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
