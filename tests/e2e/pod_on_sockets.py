"""A whole pod on real sockets, and those who talk to it: Asterisk, dialplans, Kubernetes."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import numpy as np
import pytest

from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.pod.pod import Addresses, Pod
from media_pod.providers.ports import Utterance
from media_pod.providers.registry import ProviderRegistry
from media_pod.transport.audiosocket.frames import HANGUP, Decoder, Frame, FrameKind, encode

ONE = UUID(int=0x6BA7B8109DAD11D180B400C04FD430C8)
TWO = UUID(int=ONE.int + 1)
SILENCE = encode(Frame(FrameKind.SLIN, bytes(320)))
SHORT = [{"say": "Hello. Goodbye.", "pauseMs": 0}]
LONG = [{"say": "One two three four five six seven eight nine ten. " * 20, "pauseMs": 0}]


class Deaf:
    """In place of a recognizer, whose process takes a while to load; these callers say nothing."""

    name = "deaf"
    model = ""

    async def check(self) -> str:
        return ""

    async def start(self) -> None:
        """Loaded."""

    def listen(self) -> Utterance:
        raise AssertionError("no caller has spoken")

    async def aclose(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def no_recognizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProviderRegistry, "_stt", lambda self, settings, path: Deaf())


def others() -> set[asyncio.Task[Any]]:
    """The tasks that run beside the test."""
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


def manifest(script: list[dict[str, Any]], **spec: Any) -> VoiceAgent:
    server = {"bindHost": "127.0.0.1", "audioSocketPort": 0, "httpPort": 0}
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "test"},
        "spec": {
            "dialogue": {"kind": "scripted", "script": script, "atEnd": "hangUp"},
            "tts": {"kind": "espeak", "wordsPerMinute": 400},
            "capacity": {"calls": 2},
            "server": server | spec.pop("server", {}),
            **spec,
        },
    }
    return load_manifest(document, "test")


class Running:
    """A pod that runs, and an HTTP client, as dialplans and Kubernetes are."""

    def __init__(self, pod: Pod, addresses: Addresses, http: aiohttp.ClientSession) -> None:
        self.pod = pod
        self.addresses = addresses
        self._http = http

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.addresses.http_port}{path}"
        async with self._http.get(url, params=query) as answer:
            self.headers = answer.headers
            return answer.status, await answer.text()

    async def reserve(self, uuid: UUID) -> None:
        status, address = await self.get("/api/call-start", uuid=str(uuid))
        assert (status, address) == (200, f"127.0.0.1:{self.addresses.audio_port}")

    async def connect(self, uuid: UUID) -> "Asterisk":
        return await Asterisk.connect(self.addresses.audio_port, uuid)

    async def call(self, uuid: UUID) -> "Asterisk":
        await self.reserve(uuid)
        return await self.connect(uuid)

    async def active_calls(self) -> float:
        return await self._metric("interject_active_calls")

    async def until_free(self) -> None:
        async with asyncio.timeout(5):
            while await self.active_calls():
                pass

    async def until_counted(self, ended: str, calls: int = 1) -> None:
        """Until the metric has so many calls that ended like this; events reach it later."""
        async with asyncio.timeout(5):
            while await self._metric(f'interject_calls_total{{ended="{ended}"}}') != calls:
                pass

    async def _metric(self, sample: str) -> float:
        """The value of `sample`, a name with its labels; every sample is there from the start."""
        _, text = await self.get("/metrics")
        (line,) = [li for li in text.splitlines() if li.startswith(f"{sample} ")]
        return float(line.rpartition(" ")[2])


class Asterisk:
    """One AudioSocket as Asterisk holds it, but for the caller's audio."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._decoder = Decoder()

    @classmethod
    async def connect(cls, port: int, uuid: UUID) -> "Asterisk":
        sock = socket.socket()
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, encode(Frame(FrameKind.UUID, uuid.bytes)) + SILENCE)
        return cls(sock)

    async def frames(self, within_s: float | None = 10) -> AsyncIterator[Frame]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within_s):
            while data := await loop.sock_recv(self.sock, 4096):
                for frame in self._decoder.feed(data):
                    yield frame

    async def hears(self, sound: Callable[[np.ndarray[Any, Any]], bool]) -> None:
        """Until a frame sounds like that; a call that ends before fails."""
        async for frame in self.frames():
            assert frame.kind is FrameKind.SLIN
            if sound(np.frombuffer(frame.payload, "<i2")):
                return
        raise AssertionError("the call ended before")

    async def hears_the_bot(self) -> None:
        await self.hears(lambda pcm: bool(np.abs(pcm).max() > 1000))

    async def hears_the_end(self) -> list[Frame]:
        """All frames up to the pod's hang-up, which is answered by closing."""
        frames = [frame async for frame in self._until_hang_up()]
        self.sock.close()
        return frames

    async def _until_hang_up(self) -> AsyncIterator[Frame]:
        async for frame in self.frames():
            if frame == HANGUP:
                return
            yield frame
        raise AssertionError("the pod closed without a hang-up")

    def vanish(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@asynccontextmanager
async def running(agent: VoiceAgent, **settings: Any) -> AsyncIterator[Running]:
    before = others()
    pod = Pod(agent, Path(), **settings)
    try:
        addresses = await pod.start()
        async with aiohttp.ClientSession() as http:
            yield Running(pod, addresses, http)
    finally:
        await pod.aclose()
    assert others() <= before
