"""A pod behind its HTTP API, and its clients."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from media_pod.call.event_bus import EventBus
from media_pod.calls.answers import Next
from media_pod.calls.registry import CallRegistry
from media_pod.dialogues.ports import CallInfo
from media_pod.manifest.active import ManifestView
from media_pod.pod.http.api import make_app
from media_pod.pod.http.ports import CallView, Peers, PodView
from media_pod.pod.http.problem import CONTENT_TYPE
from media_pod.telemetry.tracing import Tracing

A = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
B = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

Client = TestClient[Request, Application]
Dial = Callable[..., Awaitable[Client]]


class FakePod(PodView):
    """A pod of one slot: a real registry, a clock that is set by hand, no calls."""

    audio_port = 3000
    slots = 1
    manifest = ManifestView("0123456789abcdef", 2, "capacity: a restart is needed")

    def __init__(self) -> None:
        self.registry = CallRegistry(self.slots, reservation_s=10.0)
        self.now_s = 0.0
        self.trouble = ""
        self.bus = EventBus(time.time_ns)
        self.tracing = Tracing(None)
        self.last_call_is_over = asyncio.Event()
        self.asked_for: list[tuple[str, ...]] = []
        """The series of each metrics page."""

    def trace(self, url: str) -> None:
        """Send traces to the collector at `url`."""
        self.tracing = Tracing(url)
        self.bus.subscribe(self.tracing.on_event)

    def close(self) -> None:
        self.bus.close(5.0)
        self.tracing.close(5.0)

    @property
    def draining(self) -> bool:
        return self.registry.draining

    def reserve(self, info: CallInfo) -> None:
        self.registry.reserve(info, self.now_s)

    def knows(self, uuid: str) -> bool:
        return self.registry.state(uuid) is not None

    def next(self, info: CallInfo) -> Next:
        return self.registry.next(info, self.now_s)

    def end(self, uuid: str, cause: str) -> bool:
        return self.registry.hang_up(uuid) is not None

    @property
    def active_calls(self) -> int:
        return len(self.registry.present)

    def calls(self) -> Iterator[CallView]:
        return (
            CallView(
                uuid=call.info.uuid,
                slot=call.slot,
                state="reserved",
                from_number=call.info.from_number,
                to_number=call.info.to_number,
                age_seconds=self.now_s - call.since_s,
            )
            for call in self.registry.present
        )

    def call(self, uuid: str) -> CallView | None:
        return next((call for call in self.calls() if call.uuid == uuid), None)

    def drain(self) -> None:
        self.registry.drain()

    async def drained(self) -> None:
        await self.last_call_is_over.wait()

    def liveness_error(self) -> str:
        return self.trouble

    def readiness_error(self) -> str:
        return "draining" if self.draining else self.trouble

    def metrics_page(self, accept: str, names: Sequence[str]) -> tuple[Iterator[bytes], str]:
        self.asked_for.append(tuple(names))
        page = [b"interject_active_calls", b" 0\n"]
        return iter(page), "text/plain; version=0.0.4; charset=utf-8"


class FakePeers:
    """Peers that answer at once."""

    def __init__(
        self, room: Next | None = None, known: Mapping[str, Next] = MappingProxyType({})
    ) -> None:
        self._room, self._known = room, known
        self.asked: list[CallInfo] = []
        """For room."""

    async def start(self, info: CallInfo) -> Next | None:
        self.asked.append(info)
        return self._room

    async def next(self, info: CallInfo) -> Next | None:
        return self._known.get(info.uuid)


class SilentPeers:
    """Peers that never answer."""

    async def start(self, info: CallInfo) -> Next | None:
        await asyncio.Event().wait()
        return None

    next = start


@pytest.fixture
def pod() -> Iterator[FakePod]:
    pod = FakePod()
    yield pod
    pod.close()


@pytest.fixture
async def dial(pod: FakePod) -> AsyncIterator[Dial]:
    """Serves the pod's API on loopback and gives a client for it."""
    clients: list[Client] = []

    async def serve(advertise_host: str = "", peers: Peers | None = None) -> Client:
        client = TestClient(TestServer(make_app(pod, advertise_host, peers)))
        clients.append(client)
        await client.start_server()
        return client

    yield serve
    for client in clients:
        await client.close()


async def problem(response: ClientResponse, status: int) -> str:
    """The detail of a problem document, checked against its status."""
    assert response.status == status
    assert response.content_type == CONTENT_TYPE
    document = json.loads(await response.text())
    assert document["status"] == status
    assert document["type"] == "about:blank"
    assert document["title"] == response.reason
    return str(document["detail"])
