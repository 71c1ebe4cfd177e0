"""Watches of a real API server: its events, its pages, its 410, its restart."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from cluster.cluster import Cluster, eventually
from voiceagent_operator.kube import watching
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import CONFIG_MAP, Json, Kind
from voiceagent_operator.kube.watching import Change, WatchApi, watch
from voiceagent_operator.telemetry.health import Heartbeats

SELECTOR = "test.interject.dev/watched=yes"
LABELS = {"test.interject.dev/watched": "yes"}


class Seen:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.metadata: list[Json] = []

    def names_in(self, namespace: str) -> list[str]:
        return [each["name"] for each in self.metadata if each["namespace"] == namespace]

    def on_change(self, kind: Kind, metadata: Json, change: Change) -> None:
        self.changes.append((change.value, metadata["name"]))
        self.metadata.append(metadata)


@asynccontextmanager
async def watched(api: WatchApi, namespace: str | None) -> AsyncIterator[Seen]:
    seen = Seen()
    namespaces = None if namespace is None else (namespace,)
    task = asyncio.create_task(
        watch(api, CONFIG_MAP, namespaces, SELECTOR, seen.on_change, Heartbeats(time.monotonic))
    )
    try:
        yield seen
        assert not task.done(), "a watch never ends by itself"
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def make(api: ApiServer, namespace: str, name: str, data: str = "") -> None:
    head = CONFIG_MAP.head(namespace, name)
    body = {**head, "metadata": {**head["metadata"], "labels": LABELS}, "data": {"text": data}}
    await api.create(CONFIG_MAP.path(namespace), body)


async def test_changes_come_as_they_are_made_with_metadata_alone(
    api: ApiServer, namespace: str
) -> None:
    await make(api, namespace, "first", "x" * 100_000)
    one, two = CONFIG_MAP.path(namespace, "first"), CONFIG_MAP.path(namespace, "second")
    async with watched(api, namespace) as seen:
        await eventually(lambda: seen.changes == [("ADDED", "first")], 10)
        await make(api, namespace, "second")
        await api.merge(one, {"data": {"text": "new"}})
        await api.merge(two, {"metadata": {"labels": {"test.interject.dev/watched": None}}})
        await api.delete(one)
        await eventually(lambda: len(seen.changes) == 5, 10)
    assert seen.changes[1:] == [
        ("ADDED", "second"), ("MODIFIED", "first"), ("DELETED", "second"), ("DELETED", "first"),
    ]  # fmt: skip
    assert seen.metadata[0]["labels"] == LABELS
    assert all("data" not in metadata for metadata in seen.metadata)


async def test_what_is_made_after_an_empty_list_is_seen(api: ApiServer, namespace: str) -> None:
    async with watched(api, namespace) as seen:
        await asyncio.sleep(1)
        await make(api, namespace, "first")
        await eventually(lambda: seen.changes == [("ADDED", "first")], 10)


async def test_a_list_of_several_pages_is_whole(
    api: ApiServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PAGE", 3)
    names = [f"number-{number}" for number in range(10)]
    for name in names:
        await make(api, namespace, name)
    async with watched(api, None) as seen:
        await eventually(lambda: seen.names_in(namespace) == names, 10)


class FromLongAgo:
    """Begins the first watch at a version that the server has forgotten."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self.watches = 0
        self.get = api.get

    def watch(
        self, path: str, params: Mapping[str, str], *, idle_s: float, accept: str
    ) -> AbstractAsyncContextManager[AsyncIterator[Json]]:
        self.watches += 1
        if self.watches == 1:
            params = {**params, "resourceVersion": "1"}
        return self._api.watch(path, params, idle_s=idle_s, accept=accept)


async def test_what_the_server_has_forgotten_is_listed_anew(api: ApiServer, namespace: str) -> None:
    await make(api, namespace, "first")
    old = FromLongAgo(api)
    async with watched(old, namespace) as seen:
        await eventually(lambda: len(seen.changes) == 2, 10)
        await make(api, namespace, "second")
        await eventually(lambda: len(seen.changes) == 3, 10)
    assert seen.changes == [("ADDED", "first"), ("MODIFIED", "first"), ("ADDED", "second")]
    assert old.watches == 2


async def test_a_restart_of_the_api_server_is_lived_through(
    cluster: Cluster, api: ApiServer, namespace: str
) -> None:
    await make(api, namespace, "first")
    async with watched(api, namespace) as seen:
        await eventually(lambda: seen.changes == [("ADDED", "first")], 10)
        await asyncio.to_thread(cluster.restart_api_server)
        await make(api, namespace, "second")
        await api.delete(CONFIG_MAP.path(namespace, "first"))
        await eventually(lambda: ("DELETED", "first") in seen.changes, 35)
    assert ("ADDED", "second") in seen.changes
