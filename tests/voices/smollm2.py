"""What a test sees of SmolLM2's server beside its answers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx2

MODEL: Final = "SmolLM2-135M-Instruct"
POLL_S: Final = 0.002
STOP_S: Final = 3.0
MOST_LATE_TOKENS: Final = 20
"""After a close; measured: none to 5. The rest of a reply has dozens."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """What the model does."""

    generated: int
    """Tokens since the start."""
    is_generating: bool
    reply: str
    """The latest one, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class SmolLm2:
    """The server.

    Args:
        url: without a path.
    """

    url: str

    @property
    def base_url(self) -> str:
        """Of its chat completions."""
        return f"{self.url}/v1"

    async def state(self) -> ModelState:
        """What the model does now."""
        async with _http() as http:
            return await self._state(http)

    async def stopped_since(self, before: ModelState, show: Callable[[str], None]) -> ModelState:
        """Wait until it generates nothing any more; shows how long it took.

        Args:
            before: its state when the stream was closed, which is now.
            show: takes a line.

        Raises:
            TimeoutError: after `STOP_S`.
        """
        closed_s = time.monotonic()
        async with asyncio.timeout(STOP_S), _http() as http:
            while (state := await self._state(http)).is_generating:
                await asyncio.sleep(POLL_S)
        late_ms, late = 1000 * (time.monotonic() - closed_s), state.generated - before.generated
        show(f"the model stopped {late_ms:.0f} ms and {late} tokens after the close")
        assert before.is_generating and late <= MOST_LATE_TOKENS
        return state

    async def _state(self, http: httpx2.AsyncClient) -> ModelState:
        return ModelState(**(await http.get(f"{self.url}/state")).json())


def _http() -> httpx2.AsyncClient:
    # What it would verify by takes 40 ms to load (measured), and there is no TLS.
    return httpx2.AsyncClient(trust_env=False, verify=False)
