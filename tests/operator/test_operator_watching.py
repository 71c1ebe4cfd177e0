"""Watches against a server on a real socket: whatever ends one, nothing is missed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from scripted_api import (
    Answer,
    ScriptedApi,
    events,
    half_a_line,
    listing,
    refusal,
    resets,
    says_nothing,
    serving,
    thing,
)

from voiceagent_operator.kube import watching
from voiceagent_operator.kube.kinds import CONFIG_MAP, Json, Kind
from voiceagent_operator.kube.watching import LONGEST_PAUSE_S, Change, watch
from voiceagent_operator.telemetry.health import Heartbeats

BOOKMARK = {"kind": "PartialObjectMetadata", "metadata": {"resourceVersion": "50"}}
EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}


@dataclass
class Recorded:
    """The changes that a watch has reported, and its pauses."""

    changes: list[tuple[str, str]] = field(default_factory=list)
    metadata: list[Json] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)
    now_s: float = 0.0
    heartbeats: Heartbeats = field(init=False)

    def __post_init__(self) -> None:
        self.heartbeats = Heartbeats(lambda: self.now_s)

    def on_change(self, kind: Kind, metadata: Json, change: Change) -> None:
        assert kind is CONFIG_MAP
        self.changes.append((change.value, metadata["name"]))
        self.metadata.append(metadata)

    async def sleep(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)
        self.now_s += pause_s
        await asyncio.sleep(0)


@asynccontextmanager
async def watched(
    *script: Answer, namespaces: tuple[str, ...] | None = ("voice",), selector: str = ""
) -> AsyncIterator[tuple[ScriptedApi, Recorded]]:
    """Watches until the script is over."""
    recorded = Recorded()
    async with serving(*script) as (scripted, api):
        task = asyncio.create_task(
            watch(
                *(api, CONFIG_MAP, namespaces, selector, recorded.on_change, recorded.heartbeats),
                clock=lambda: recorded.now_s,
                sleep=recorded.sleep,
                uniform=lambda low, high: high,
            )
        )
        over = asyncio.create_task(scripted.over.wait())
        await asyncio.wait((task, over), return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        assert not task.done(), "a watch never ends by itself"
        try:
            yield scripted, recorded
        finally:
            task.cancel()
            await asyncio.wait((task, over))


async def test_what_is_there_and_what_happens_then() -> None:
    async with watched(
        listing(thing("a", 3), thing("b", 4), version=10),
        events(
            ("MODIFIED", thing("a", 11)),
            ("ADDED", thing("c", 12)),
            ("DELETED", thing("b", 13)),
        ),
    ) as (scripted, recorded):
        assert recorded.changes == [
            ("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("ADDED", "c"), ("DELETED", "b"),
        ]  # fmt: skip
        assert scripted.watched == ["list", "10", "13"]


async def test_only_metadata_is_asked_for_and_bookmarks_are() -> None:
    async with watched(listing(version=10), namespaces=None, selector="interject.dev/agent") as (
        scripted,
        _,
    ):
        first, second = scripted.asked
        assert first.path == second.path == "/api/v1/configmaps"
        assert dict(first.query) == {"labelSelector": "interject.dev/agent", "limit": "500"}
        assert first.headers["Accept"].startswith(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        )
        assert dict(second.query) == {
            "labelSelector": "interject.dev/agent",
            "resourceVersion": "10",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "600",
            "watch": "true",
        }
        assert second.headers["Accept"] == (
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        )


async def test_every_namespace_has_a_watch_of_its_own() -> None:
    async with watched(listing(version=10), listing(version=10), namespaces=("one", "two")) as (
        scripted,
        _,
    ):
        assert {request.path for request in scripted.asked} == {
            "/api/v1/namespaces/one/configmaps", "/api/v1/namespaces/two/configmaps",
        }  # fmt: skip


async def test_a_long_list_comes_in_pages() -> None:
    async with watched(
        listing(thing("a", 3), version=10, more="token"),
        listing(thing("b", 4), version=10),
    ) as (scripted, recorded):
        assert recorded.changes == [("ADDED", "a"), ("ADDED", "b")]
        assert scripted.asked[1].query["continue"] == "token"
        assert scripted.watched == ["list", "list", "10"]


async def test_an_empty_list_of_metadata_is_null() -> None:
    async def empty(request: web.Request) -> web.Response:
        return web.json_response({"items": None, "metadata": {"resourceVersion": "10"}})

    async with watched(empty) as (scripted, recorded):
        assert recorded.changes == []
        assert scripted.watched == ["list", "10"]


async def test_a_bookmark_moves_the_version_on_and_is_no_change() -> None:
    async with watched(listing(version=10), events(("BOOKMARK", BOOKMARK))) as (scripted, recorded):
        assert recorded.changes == []
        assert scripted.watched == ["list", "10", "50"]


@pytest.mark.parametrize("end", [resets, half_a_line])
async def test_a_connection_that_breaks_is_gone_on_with_where_it_was(end: object) -> None:
    async with watched(
        listing(thing("a", 3), version=10),
        events(("MODIFIED", thing("a", 11)), then=end),
        events(("MODIFIED", thing("a", 12))),
    ) as (scripted, recorded):
        assert recorded.changes == [("ADDED", "a"), ("MODIFIED", "a"), ("MODIFIED", "a")]
        assert scripted.watched == ["list", "10", "11", "12"]


async def test_silence_ends_a_watch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "IDLE_S", 0.05)
    async with watched(
        listing(version=10), events(("ADDED", thing("a", 11)), then=says_nothing)
    ) as (scripted, _):
        assert scripted.watched[:3] == ["list", "10", "11"]


@pytest.mark.parametrize(
    "gone", [refusal(410, "too old"), events(("ERROR", EXPIRED))], ids=["status", "event"]
)
async def test_a_version_that_is_gone_means_a_new_list_and_everything_is_reported_again(
    gone: Answer,
) -> None:
    labels = {"interject.dev/agent": "reception"}
    owner = {"kind": "VoiceAgent", "name": "reception", "uid": "1"}
    async with watched(
        listing(
            thing("a", 3),
            thing("b", 4, labels=labels, ownerReferences=[owner]),
            thing("c", 5),
            version=10,
        ),
        gone,
        listing(thing("a", 3), thing("c", 30, uid="another"), thing("d", 31), version=40),
    ) as (scripted, recorded):
        assert scripted.watched == ["list", "10", "list", "40"]
        assert recorded.changes[3:] == [
            ("MODIFIED", "a"), ("DELETED", "c"), ("ADDED", "c"), ("ADDED", "d"), ("DELETED", "b"),
        ]  # fmt: skip
        assert recorded.metadata[-1] == {
            "namespace": "voice",
            "name": "b",
            "uid": "uid-b",
            "labels": labels,
            "ownerReferences": [owner],
        }


async def test_a_list_whose_next_page_is_gone_begins_anew() -> None:
    async with watched(
        listing(thing("a", 3), version=10, more="token"),
        refusal(410, "the continue token is too old"),
        listing(thing("b", 4), version=12),
    ) as (_, recorded):
        assert recorded.changes == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


async def test_a_server_with_too_much_to_do_is_left_alone_for_as_long_as_it_says() -> None:
    async with watched(
        refusal(429, "storage is (re)initializing", **{"Retry-After": "7"}), listing(version=10)
    ) as (_, recorded):
        assert recorded.pauses_s == [7.0]


async def test_a_retry_after_beyond_reason_is_not_obeyed() -> None:
    async with watched(refusal(429, **{"Retry-After": "86400"})) as (_, recorded):
        assert recorded.pauses_s == [LONGEST_PAUSE_S]


async def test_pauses_grow_and_are_short_again_after_a_success() -> None:
    down = [refusal(503)] * 9
    async with watched(
        *down, listing(version=10), events(("ADDED", thing("a", 11))), refusal(500)
    ) as (_, recorded):
        assert recorded.pauses_s[:9] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert recorded.pauses_s[9:11] == [0.5, 1]


async def test_a_list_that_succeeds_does_not_hide_a_watch_that_fails() -> None:
    again = (listing(version=10), refusal(410))
    async with watched(*again, *again, *again) as (_, recorded):
        assert recorded.pauses_s == [0.5, 1, 2]


@pytest.mark.parametrize("odd", [{}, {"metadata": None}, {"code": 500, "message": "etcd"}])
async def test_what_is_no_event_is_reported_in_the_log(
    odd: Json, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with watched(
        listing(version=10),
        events(("ADDED", odd), ("ERROR", {"code": 500, "message": "etcd is away"})),
    ) as (scripted, recorded):
        assert recorded.changes == []
        assert scripted.watched == ["list", "10", "10"]
    assert "expected an event" in caplog.text
    assert "etcd is away" in caplog.text


async def test_heartbeats_come_with_every_word_of_the_server_and_only_then() -> None:
    async with watched(*[refusal(503)] * 4) as (_, recorded):
        assert recorded.heartbeats.silent_s() == {"configmaps": 0.5 + 1 + 2 + 4}
    async with watched(*[refusal(503)] * 4, listing(version=10)) as (_, recorded):
        assert recorded.heartbeats.silent_s() == {"configmaps": 0.0}
    async with watched(listing(version=10), refusal(503), refusal(503)) as (_, recorded):
        assert recorded.heartbeats.silent_s() == {"configmaps": 0.0}, "the watch is open"


async def test_a_watch_may_have_a_name_of_its_own() -> None:
    recorded = Recorded()
    async with serving() as (scripted, api):
        task = asyncio.create_task(
            watch(
                api, CONFIG_MAP, None, "", recorded.on_change, recorded.heartbeats, name="dialplans"
            )
        )
        await scripted.over.wait()
        assert set(recorded.heartbeats.silent_s()) == {"dialplans"}
        task.cancel()
        await asyncio.wait((task,))


def test_of_several_watches_of_a_name_the_most_silent_counts() -> None:
    now_s = 100.0
    heartbeats = Heartbeats(lambda: now_s)
    heartbeats.beat("pods", "one")
    now_s = 110.0
    heartbeats.beat("pods", "two")
    heartbeats.beat("services")
    now_s = 111.0
    assert heartbeats.silent_s() == {"pods": 11.0, "services": 1.0}
