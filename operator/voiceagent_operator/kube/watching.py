"""Watches that reconnect for ever: changes of the objects of a kind, by their metadata.

A watch lists the objects, then follows their changes from the version of the list on. Whatever
ends it, a dropped connection, silence, a restarted or overloaded server, it continues from the last
version that it has seen. If the server no longer has that version, it lists again and
reports every object once more, and those deleted meanwhile: callers are level-triggered.

Objects come as PartialObjectMetadata: a changed child costs its metadata, not its whole text.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from sys import intern
from typing import Final, Protocol

from voiceagent_operator.kube.errors import BY_STATUS, ApiError, ExpiredError, NotFoundError
from voiceagent_operator.kube.kinds import Json, Kind
from voiceagent_operator.telemetry.health import Heartbeats

PAGE: Final = 500
"""Objects per answer of a list: some hundred kB of metadata."""
IDLE_S: Final = 90.0
"""Longest silence. The server sends a bookmark about once a minute, but none before anything of the
kind has changed since it started: a watch of what never changes reconnects each time."""
TIMEOUT_S: Final = (300.0, 600.0)
"""After so long the server shall end a watch, drawn from this range so that not all end together.
A watch that the server has forgotten is found out then at the latest."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""Pauses double from the first to the longest, and are drawn from what is below: watches that
fail together do not come again together."""

_AS = "application/json;as={};g=meta.k8s.io;v=v1"
OBJECT: Final = _AS.format("PartialObjectMetadata")
LIST: Final = _AS.format("PartialObjectMetadataList")

_logger = logging.getLogger(__name__)


class Change(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


OnChange = Callable[[Kind, Json, Change], None]
"""Takes the kind, the metadata, and what happened.

The metadata of an object that was deleted while disconnected has only `namespace`, `name`, `uid`,
`labels` and `ownerReferences`. The callee must not block: it only enqueues keys.
"""


class WatchApi(Protocol):
    """As much of `ApiServer` as a watch needs."""

    async def get(self, path: str, params: Mapping[str, str], *, accept: str) -> Json: ...

    def watch(
        self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Json]]: ...


async def watch(
    api: WatchApi,
    kind: Kind,
    namespaces: Sequence[str] | None,
    label_selector: str,
    on_change: OnChange,
    heartbeats: Heartbeats,
    *,
    name: str = "",
    optional: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    uniform: Callable[[float, float], float] = random.uniform,
) -> None:
    """Report the objects of a kind and all their changes, until cancelled.

    Args:
        namespaces: None for all. Each is a watch, and a connection, of its own.
        label_selector: which objects; "": all.
        heartbeats: gets a beat for everything that the server sends.
        name: by which the heartbeats know it; "": by the kind's plural.
        optional: whether to end when the server does not serve the kind.
        clock: monotonic time in seconds.
        sleep, uniform: how pauses between tries are waited for, and drawn.

    Raises:
        ExceptionGroup: of NotFoundError: the server does not serve the kind; only if `optional`.
    """
    places: Sequence[str | None] = (None,) if namespaces is None else namespaces
    async with asyncio.TaskGroup() as group:
        for place in places:
            pauses = _Pauses(clock, sleep, uniform)
            beat = partial(heartbeats.beat, name or kind.plural, place or "")
            one = _Watch(api, kind, place, label_selector, on_change, beat, pauses, optional)
            group.create_task(one.follow(), name=f"watch {one.name}")


class _Pauses:
    """The pauses between tries."""

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._clock, self._sleep, self.uniform = clock, sleep, uniform
        self._longest_s = FIRST_PAUSE_S
        self._began_s = clock()

    def over(self) -> None:
        """Something was received: the next pause is short again."""
        self._longest_s = FIRST_PAUSE_S

    async def wait(self, at_least_s: float) -> None:
        """Pause. A connection that lasted for long counts as success, even without events."""
        if self._clock() - self._began_s >= LONGEST_PAUSE_S:
            self.over()
        pause_s = self.uniform(0.0, self._longest_s)
        self._longest_s = min(2 * self._longest_s, LONGEST_PAUSE_S)
        await self._sleep(max(pause_s, min(at_least_s, LONGEST_PAUSE_S)))
        self._began_s = self._clock()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is needed of an object to report its deletion."""

    uid: str
    labels: tuple[tuple[str, str], ...]
    owners: tuple[Json, ...]


class _Watch:
    """One watch in one namespace, or in all."""

    def __init__(
        self,
        api: WatchApi,
        kind: Kind,
        namespace: str | None,
        label_selector: str,
        on_change: OnChange,
        beat: Callable[[], None],
        pauses: _Pauses,
        optional: bool,
    ) -> None:
        self.name = kind.plural if namespace is None else f"{kind.plural} in {namespace}"
        self._api = api
        self._kind = kind
        self._path = kind.path(namespace)
        self._selector = {"labelSelector": label_selector} if label_selector else {}
        self._on_change = on_change
        self._beat = beat
        self._pauses = pauses
        self._optional = optional
        self._version = ""
        self._known: dict[tuple[str, str], _Known] = {}

    async def follow(self) -> None:
        """List and watch, again and again; an optional kind until it is not served."""
        self._beat()
        while True:
            at_least_s = 0.0
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except ExpiredError as error:
                _logger.info("watch %s: listing again: %s", self.name, error.message)
                self._version = ""
            except ApiError as error:
                if self._optional and isinstance(error, NotFoundError):
                    raise
                _logger.warning("watch %s: %s", self.name, error)
                at_least_s = error.retry_after_s or 0.0
            await self._pauses.wait(at_least_s)

    async def _list(self) -> None:
        seen: set[tuple[str, str]] = set()
        more: dict[str, str] = {}
        while True:
            params = {**self._selector, "limit": str(PAGE), **more}
            page = await self._api.get(self._path, params, accept=LIST)
            self._beat()
            for item in page["items"] or ():  # an empty list of metadata is null
                seen.add(self._note(item["metadata"]))
            if not (token := page["metadata"].get("continue")):
                break
            more = {"continue": token}
        for key in self._known.keys() - seen:
            self._gone(key)
        self._version = page["metadata"]["resourceVersion"]

    async def _watch(self) -> None:
        params = {
            **self._selector,
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(round(self._pauses.uniform(*TIMEOUT_S))),
        }
        opening = self._api.watch(self._path, params, idle_s=IDLE_S, accept=OBJECT)
        async with opening as events:
            self._beat()
            async for event in events:
                self._take(event)
                self._beat()
                self._pauses.over()

    def _take(self, event: Json) -> None:
        """Handle one event of the server; raises the error that it contains."""
        match event:
            case {"type": "ERROR", "object": dict(status)}:
                raise _error(f"WATCH {self._path}", status)
            case {"type": "BOOKMARK", "object": {"metadata": dict(metadata)}}:
                pass
            case {"type": "ADDED" | "MODIFIED", "object": {"metadata": dict(metadata)}}:
                self._note(metadata)
            case {"type": "DELETED", "object": {"metadata": dict(metadata)}}:
                self._known.pop(_key(metadata), None)
                self._on_change(self._kind, metadata, Change.DELETED)
            case _:
                _logger.warning("watch %s: read %.200r, expected an event", self.name, event)
                return
        self._version = metadata["resourceVersion"]

    def _note(self, metadata: Json) -> tuple[str, str]:
        """Report an existing object; returns its key."""
        key = _key(metadata)
        known = self._known.get(key)
        if known is not None and known.uid != metadata["uid"]:
            self._gone(key)
            known = None
        self._known[key] = _known(metadata)
        self._on_change(self._kind, metadata, Change.MODIFIED if known else Change.ADDED)
        return key

    def _gone(self, key: tuple[str, str]) -> None:
        known = self._known.pop(key)
        metadata: Json = {"namespace": key[0], "name": key[1], "uid": known.uid}
        metadata["labels"] = dict(known.labels)
        metadata["ownerReferences"] = list(known.owners)
        self._on_change(self._kind, metadata, Change.DELETED)


def _key(metadata: Json) -> tuple[str, str]:
    return metadata.get("namespace", ""), metadata["name"]


def _known(metadata: Json) -> _Known:
    return _Known(
        metadata["uid"],
        tuple(_interned(metadata.get("labels") or {})),
        tuple(metadata.get("ownerReferences") or ()),
    )


def _interned(labels: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Of thousands of objects, most have the same labels as others."""
    for name, value in labels.items():
        yield intern(name), intern(value)


def _error(request: str, status: Json) -> ApiError:
    code = int(status.get("code") or 0)
    kind = BY_STATUS.get(code, ApiError)
    return kind(request, code, str(status.get("reason", "")), str(status.get("message", "")))
