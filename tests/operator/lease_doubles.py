"""An API server with one Lease in it, and the ways on which its answers do not come."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from voiceagent_operator.kube.errors import (
    ApiError,
    ConflictError,
    NoAnswerError,
    NotFoundError,
)
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.leader.lease import Leadership

Fault = Callable[[str], Awaitable[None]]
"""What happens on the way of a request, named GET, POST or PUT; may raise, or take long."""


class Server:
    """Keeps the Lease, and refuses writes to a version that is not the newest."""

    def __init__(self) -> None:
        self.lease: Json | None = None
        self.version = 0
        self.writes: list[tuple[float, str]] = []
        """When, and who was the holder then."""
        self.working: set[str] = set()
        self.overlaps: list[set[str]] = []
        """Replicas that worked when another one began to."""

    def get(self) -> Json:
        if self.lease is None:
            raise NotFoundError("GET", 404, "NotFound", "no such lease")
        return copy.deepcopy(self.lease)

    def put(self, body: Json, new: bool) -> Json:
        if new and self.lease is not None:
            raise ConflictError("POST", 409, "AlreadyExists", "it exists")
        if not new:
            current = self.get()["metadata"]["resourceVersion"]
            if body["metadata"]["resourceVersion"] != current:
                raise ConflictError("PUT", 409, "Conflict", "the object has been modified")
        self.version += 1
        self.lease = copy.deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        self.writes.append((asyncio.get_running_loop().time(), self.holder))
        return copy.deepcopy(self.lease)

    def edit(self, **spec: Any) -> None:
        """By hand, as with kubectl."""
        assert self.lease is not None
        self.put({**self.lease, "spec": {**self.lease["spec"], **spec}}, new=False)

    @property
    def holder(self) -> str:
        return "" if self.lease is None else str(self.lease["spec"]["holderIdentity"])


class Client:
    """One process's way to the server."""

    def __init__(self, server: Server, *, there_s: float = 0.01, back_s: float = 0.01) -> None:
        self._server = server
        self.there_s, self.back_s = there_s, back_s
        self.there: Fault = nothing
        self.back: Fault = nothing

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        return await self._ask("GET", self._server.get)

    async def create(self, path: str, body: Json) -> Json:
        return await self._ask("POST", lambda: self._server.put(body, new=True))

    async def replace(self, path: str, body: Json) -> Json:
        return await self._ask("PUT", lambda: self._server.put(body, new=False))

    async def _ask(self, verb: str, answer: Callable[[], Json]) -> Json:
        await asyncio.sleep(self.there_s)
        await self.there(verb)
        try:
            return answer()
        finally:
            await asyncio.sleep(self.back_s)
            await self.back(verb)


async def nothing(verb: str) -> None:
    """No fault."""


async def refuse_connection(verb: str) -> None:
    raise NoAnswerError(verb, 0, "ClientConnectorError", "connection refused")


async def never_answer(verb: str) -> None:
    await asyncio.Event().wait()


async def too_many(verb: str) -> None:
    error = ApiError(verb, 429, "TooManyRequests", "try again later")
    error.retry_after_s = 1.0
    raise error


class Replica:
    """One operator: its claim to the Lease and its work, which does nothing but be there."""

    def __init__(
        self, name: str, server: Server, client: Client | None = None, rate: float = 1.0
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self.client = client or Client(server)
        self._server = server
        self.led: list[float] = []
        """When its work began."""
        self.stopped: list[float] = []
        """When its work ended."""

        async def sleep(wait_s: float) -> None:
            await asyncio.sleep(wait_s / rate)

        self.leadership = Leadership(
            self.client,
            "voice",
            "operator",
            name,
            clock=lambda: loop.time() * rate,
            sleep=sleep,
            now=lambda: datetime(2026, 11, 26, tzinfo=UTC) + timedelta(seconds=loop.time()),
        )
        self.task: asyncio.Task[None]

    @property
    def working(self) -> bool:
        return self.name in self._server.working

    def start(self, work: Callable[[], Coroutine[Any, Any, None]] | None = None) -> "Replica":
        self.task = asyncio.create_task(self.leadership.lead(work or self.work), name=self.name)
        return self

    async def work(self) -> None:
        loop = asyncio.get_running_loop()
        working = self._server.working
        if working:
            self._server.overlaps.append(working | {self.name})
        working.add(self.name)
        self.led.append(loop.time())
        try:
            await asyncio.Event().wait()
        finally:
            working.remove(self.name)
            self.stopped.append(loop.time())

    async def stop(self) -> BaseException | None:
        """As with SIGTERM; gives what `lead` raised, if that was not the cancellation."""
        self.task.cancel()
        await asyncio.wait((self.task,))
        return None if self.task.cancelled() else self.task.exception()

    async def crash(self) -> None:
        """It is gone without a word."""
        self.client.there = never_answer
        await self.stop()
