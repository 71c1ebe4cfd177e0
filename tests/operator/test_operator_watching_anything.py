"""A watch through random changes and faults, in virtual time: it ends up knowing what is so."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_api import thing
from virtual_time import run

from voiceagent_operator.kube.errors import ApiError, ExpiredError, NoAnswerError
from voiceagent_operator.kube.kinds import CONFIG_MAP, Json, Kind
from voiceagent_operator.kube.watching import LONGEST_PAUSE_S, Change, watch
from voiceagent_operator.telemetry.health import Heartbeats

SETTLED_S = 2 * LONGEST_PAUSE_S


class World:
    """Objects, their history, and a server that forgets, fails and hangs up."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.failing = 0.3
        self.version = 1
        self.objects: dict[str, Json] = {}
        self._history: list[tuple[int, str, Json]] = []
        self._forgotten = 0
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Something is made, changed, deleted, or deleted and made again."""
        self.version += 1
        name = self._rng.choice("abcdefgh")
        old = self.objects.get(name)
        if old is not None and self._rng.random() < 0.4:
            gone = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self.version)}}
            del self.objects[name]
            self._tell("DELETED", gone)
            return
        uid = old["metadata"]["uid"] if old else f"{name}-{self.version}"
        self.objects[name] = thing(name, self.version, uid=uid)
        self._tell("MODIFIED" if old else "ADDED", self.objects[name])

    def forget(self) -> None:
        """History up to now is gone, as after a compaction."""
        self._forgotten = self.version

    async def get(self, path: str, params: Mapping[str, str], *, accept: str) -> Json:
        await self._trouble()
        name_after, _, version = params.get("continue", "").partition("@")
        if version and int(version) < self._forgotten:
            raise ExpiredError(path, 410, "Expired", "too old")
        # A page of a list is of the version of its first one: pages end when something changes.
        if version and int(version) != self.version:
            raise ExpiredError(path, 410, "Expired", "changed meanwhile")
        names = sorted(name for name in self.objects if name > name_after)
        metadata: dict[str, Any] = {"resourceVersion": str(self.version)}
        if len(names) > 3:
            metadata["continue"] = f"{names[2]}@{self.version}"
        return {"items": [self.objects[name] for name in names[:3]], "metadata": metadata}

    @asynccontextmanager
    async def watch(
        self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str
    ) -> AsyncIterator[AsyncIterator[Json]]:
        await self._trouble()
        at = int(params["resourceVersion"])
        if at < self._forgotten and self._rng.random() < 0.5:
            raise ExpiredError(path, 410, "Expired", "too old")
        yield self._events(at)

    async def _events(self, at: int) -> AsyncIterator[Json]:
        while True:
            await self._trouble()
            if at < self._forgotten:
                yield {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
            for version, kind, what in self._history:
                if version > at:
                    at = version
                    yield {"type": kind, "object": what}
            if self._rng.random() < self.failing:
                return
            await self._changed.wait()

    def _tell(self, kind: str, what: Json) -> None:
        self._history.append((self.version, kind, what))
        self._changed.set()
        self._changed = asyncio.Event()

    async def _trouble(self) -> None:
        await asyncio.sleep(self._rng.uniform(0, 0.2))
        if self._rng.random() < self.failing:
            raise self._rng.choice(
                (
                    NoAnswerError("GET", 0, "ClientError", "connection reset"),
                    ApiError("GET", 429, "TooManyRequests", "try again"),
                    ApiError("GET", 500, "InternalError", "etcd is away"),
                )
            )


class Mirror:
    """What a level-triggered caller concludes from the reports."""

    def __init__(self) -> None:
        self.uids: dict[str, str] = {}
        self.gone: set[str] = set()

    def on_change(self, kind: Kind, metadata: Json, change: Change) -> None:
        name, uid = metadata["name"], metadata["uid"]
        if change is Change.DELETED:
            assert self.uids.pop(name) == uid, "a deleted object had been reported"
            self.gone.add(uid)
        else:
            assert self.uids.get(name, uid) == uid, "an object goes before the next of its name"
            assert (change is Change.ADDED) == (name not in self.uids)
            self.uids[name] = uid


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32))
def test_in_the_end_the_reports_match_the_objects(seed: int) -> None:
    rng = random.Random(seed)

    async def main() -> None:
        world, mirror = World(rng), Mirror()
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(
            watch(
                *(world, CONFIG_MAP, ("voice",), "", mirror.on_change, Heartbeats(loop.time)),
                clock=loop.time,
                uniform=rng.uniform,
            )
        )
        for _ in range(rng.randrange(60)):
            world.change()
            if rng.random() < 0.1:
                world.forget()
            await asyncio.sleep(rng.choice((0.0, 0.1, 5.0)))
        world.failing = 0.0
        await asyncio.sleep(SETTLED_S)
        now = {name: what["metadata"]["uid"] for name, what in world.objects.items()}
        assert mirror.uids == now
        assert mirror.gone.isdisjoint(now.values())
        task.cancel()
        await asyncio.wait((task,))

    run(main())
