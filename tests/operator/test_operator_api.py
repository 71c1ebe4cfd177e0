"""Requests to an API server on a real socket, and what is said of those that fail."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import (
    ApiError,
    ConflictError,
    ExpiredError,
    NoAnswerError,
    NotFoundError,
)

PATH = "/api/v1/namespaces/voice/configmaps"


class Peer:
    """Answers everything alike, and remembers what it was asked."""

    def __init__(self, status: int = 200, body: str = "{}", **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers
        self.asked: list[tuple[str, str, str, str]] = []
        self.counted: list[tuple[str, int]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(
            (
                request.method,
                request.path_qs,
                request.headers.get("Content-Type", ""),
                request.headers.get("Accept", ""),
            )
        )
        return web.Response(status=self.status, text=self.body, headers=self.headers)

    def count(self, verb: str, status: int) -> None:
        self.counted.append((verb, status))

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ApiServer]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with TestServer(app) as server:
            api = ApiServer(Configuration(host=f"http://127.0.0.1:{server.port}"), self.count)
            try:
                yield api
            finally:
                await api.aclose()


async def test_what_is_sent() -> None:
    peer = Peer()
    async with peer.client() as api:
        await api.get(PATH, {"limit": "1"}, accept="application/json;as=Table")
        await api.create(PATH, {})
        await api.replace(f"{PATH}/a", {})
        await api.apply(f"{PATH}/a", {})
        await api.merge(f"{PATH}/a", {})
        await api.delete(f"{PATH}/a")
    get, create, replace, apply, merge, delete = peer.asked
    assert get[:2] == ("GET", f"{PATH}?limit=1")
    assert get[3] == "application/json;as=Table"
    assert create[:3] == ("POST", PATH, "application/json")
    assert replace[:3] == ("PUT", f"{PATH}/a", "application/json")
    assert apply[:3] == (
        "PATCH", f"{PATH}/a?fieldManager=interject-operator&force=true",
        "application/apply-patch+yaml",
    )  # fmt: skip
    assert merge[:3] == (
        "PATCH", f"{PATH}/a?fieldManager=interject-operator", "application/merge-patch+json",
    )  # fmt: skip
    assert delete[:2] == ("DELETE", f"{PATH}/a")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFoundError), (409, ConflictError), (410, ExpiredError), (403, ApiError)],
)
async def test_a_refusal_says_what_was_asked_and_why_not(status: int, kind: type[ApiError]) -> None:
    body = {"kind": "Status", "reason": "Because", "message": "it is so"}
    peer = Peer(status, json.dumps(body), **{"Retry-After": "3"})
    async with peer.client() as api:
        with pytest.raises(kind) as asked:
            await api.get(PATH)
        assert str(asked.value) == f"GET {PATH}: {status} Because: it is so"
        assert asked.value.retry_after_s == 3.0
        with pytest.raises(kind):
            async with api.watch(PATH, {}, idle_s=5.0, accept="application/json"):
                raise AssertionError("the watch was refused")


async def test_a_refusal_in_other_words_is_understood_too() -> None:
    async with Peer(502, "<html>" + "x" * 10_000).client() as api:
        with pytest.raises(ApiError) as asked:
            await api.get(PATH)
    assert "502 Bad Gateway: <html>xxx" in str(asked.value)
    assert len(str(asked.value)) < 1000


async def test_every_answer_is_counted_also_the_one_that_does_not_come() -> None:
    peer = Peer(404)
    async with peer.client() as api:
        for request in (api.get(PATH), api.delete(PATH)):
            with pytest.raises(NotFoundError):
                await request
        with pytest.raises(NotFoundError):
            async with api.watch(PATH, {}, idle_s=5.0, accept="application/json"):
                raise AssertionError("the watch was refused")
    assert peer.counted == [("GET", 404), ("DELETE", 404), ("WATCH", 404)]

    unreachable = ApiServer(Configuration(host="http://127.0.0.1:1"), peer.count)
    with pytest.raises(NoAnswerError, match="no answer ClientConnectorError"):
        await unreachable.get(PATH)
    await unreachable.aclose()
    assert peer.counted[-1] == ("GET", 0)
