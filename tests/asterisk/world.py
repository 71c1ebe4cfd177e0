"""One case's world: a real Asterisk, real pods, and telephones that call through it."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import yaml

from asterisk.asterisk_server import AsteriskServer, asterisk_server, supervised_server
from asterisk_config.places import Places
from asterisk_config.render import render
from asterisk_config.values import load_values
from interject_lab.network.codecs import CodecName
from interject_lab.network.line import TelephoneLine
from interject_lab.recorder.pod_process import PodProcess, pod_process
from interject_lab.recorder.recorder import Recording, load
from interject_lab.telephones.caller import Caller
from interject_lab.telephones.sip.conversation import SipCall
from interject_lab.telephones.sip.media import MediaSettings
from interject_lab.telephones.sip.phone import SipPhone
from interject_lab.telephones.sip.signalling import Account
from media_pod.manifest.agent import VoiceAgent
from real_time.retry import note

RTP_PORTS: Final = 400
PASSWORD: Final = "Correct-Horse-7"
ASK_S: Final = 5.0
DRAIN_S: Final = 20.0
SERVERS_FIRST: Final = -10
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """One call, as its telephone saw it."""

    call: SipCall
    uuid: str
    """In the API; "" if the API never knew the call."""
    dialled_ns: int
    """When the telephone began to call."""


class World:
    """See the module.

    Args:
        asterisk: with the phones `p0`, `p1`, ...
        pods: in the order in which they were asked for.
        sip_port: of Asterisk.
        http: for questions to the pods' APIs.
        folders: [pods] of their recordings.
    """

    def __init__(
        self,
        asterisk: AsteriskServer,
        pods: Sequence[PodProcess],
        sip_port: int,
        http: aiohttp.ClientSession,
        folders: Sequence[Path],
    ) -> None:
        self.asterisk = asterisk
        self.pods = tuple(pods)
        self._sip_port = sip_port
        self._http = http
        self._folders = tuple(folders)

    def account(self, number: int) -> Account:
        """Of the phone `p<number>`."""
        return Account(f"p{number}", PASSWORD, "127.0.0.1", self._sip_port)

    def phone(
        self,
        line: TelephoneLine,
        caller: Caller,
        *,
        max_s: float,
        number: int = 0,
        codecs: Sequence[CodecName] = ("PCMU",),
        settings: MediaSettings | None = None,
    ) -> SipPhone:
        """A telephone of Asterisk's."""
        return SipPhone(
            self.account(number), line, caller, max_s=max_s, codecs=codecs, settings=settings
        )

    async def call(self, phone: SipPhone, extension: str, number: int = 0) -> Called:
        """Call, and learn which call it is to the pods."""
        watching = asyncio.create_task(self._uuid_of(number))
        dialled_ns = time.monotonic_ns()
        try:
            call = await phone.call(extension)
        finally:
            watching.cancel()
            (uuid,) = await asyncio.gather(watching, return_exceptions=True)
        return Called(call, uuid if isinstance(uuid, str) else "", dialled_ns)

    async def calls(self, pod: int = 0) -> list[dict[str, Any]]:
        """What the pod says of its calls; none if it is gone."""
        try:
            async with self._http.get(f"{self.pods[pod].api}/api/calls") as answer:
                return list((await answer.json())["calls"])
        except aiohttp.ClientError:
            return []

    async def until_turn(self, turn: str, pod: int = 0) -> dict[str, Any]:
        """Until a call of the pod is in that state of its conversation; the call."""
        async with asyncio.timeout(30):
            while True:
                for call in await self.calls(pod):
                    if call["turn"] == turn:
                        return call
                await asyncio.sleep(_POLL_S)

    async def until_said(self, words: str) -> None:
        """Until Asterisk has logged `words`."""
        async with asyncio.timeout(30):
            while words not in self.asterisk.log:
                await asyncio.sleep(_POLL_S)

    async def until_no_call(self) -> None:
        """Until neither Asterisk nor a pod has a call left."""
        await self.asterisk.until_idle()
        async with asyncio.timeout(10):
            for pod in range(len(self.pods)):
                while await self.calls(pod):
                    await asyncio.sleep(_POLL_S)

    async def metric(self, name: str, pod: int = 0) -> float:
        """The sum of a metric of the pod's over its labels; 0 if the pod is gone."""
        try:
            async with self._http.get(f"{self.pods[pod].api}/metrics") as answer:
                page = await answer.text()
        except aiohttp.ClientError:
            return 0.0
        found = [li for li in page.splitlines() if li.split("{")[0].split(" ")[0] == name]
        return sum(float(li.rsplit(" ", 1)[1]) for li in found)

    async def drain(self, pod: int = 0) -> int:
        """Ask the pod to go, and wait until it can, as Kubernetes does; the answer's status."""
        timeout = aiohttp.ClientTimeout(total=DRAIN_S)
        url = f"{self.pods[pod].api}/api/drain?wait=1"
        async with self._http.get(url, timeout=timeout) as answer:
            return answer.status

    def pod_log(self, pod: int = 0) -> str:
        """All that a pod has logged so far."""
        return (self._folders[pod] / "log").read_text()

    def recordings(self, pod: int = 0) -> dict[str, Recording]:
        """The calls of a pod by UUID, once the world is over."""
        return load(self._folders[pod])

    async def _uuid_of(self, number: int) -> str:
        while True:
            for pod in range(len(self.pods)):
                for call in await self.calls(pod):
                    # The seed's dialplan says nothing of who calls.
                    if call["from_number"] in ("", str(200 + number)):
                        return str(call["uuid"])
            await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def world(
    tree: Path,
    folder: Path,
    agents: Sequence[VoiceAgent],
    *,
    dialplan: Sequence[dict[str, Any]] = ({"name": "agent", "extensions": ["100"]},),
    phones: int = 1,
    phone: Mapping[str, Any] = MappingProxyType({}),
    sip: Mapping[str, Any] = MappingProxyType({}),
    append: Mapping[str, str] = MappingProxyType({}),
    **values: Any,
) -> AsyncIterator[World]:
    """Start everything, give it, and stop it afterwards.

    Args:
        tree: the unpacked Asterisk.
        folder: an empty one.
        agents: a pod for each.
        dialplan: the agents of Asterisk's values.
        phones: how many; `p0` has the number 200, and so on.
        phone: more of each phone's values.
        sip: more of the values of `sip`.
        append: texts behind rendered files, by their names.
        values: more of Asterisk's values; without `api` it is that of all pods. With `published`
            Asterisk runs as in its image.
    """
    async with AsyncExitStack() as stack:
        folders = [folder / f"pod{index}" for index in range(len(agents))]
        for path in folders:
            path.mkdir()
        pods = await asyncio.gather(
            *(
                stack.enter_async_context(pod_process(agent, path, path / "log"))
                for agent, path in zip(agents, folders, strict=True)
            )
        )
        sip_port = free_port(socket.SOCK_DGRAM)
        document = _values(sip_port, pods, phones) | {"agents": list(dialplan)} | values
        document["sip"] |= sip
        for each in document["phones"]:
            each |= phone
        place = folder / "asterisk"
        place.mkdir()
        places = Places.unpacked(tree, place)
        server = _server(places, tree, document, append)
        asterisk = await stack.enter_async_context(server)
        for pid in (asterisk.pid, *(pod.pid for pod in pods)):
            with suppress(PermissionError):
                # The telephones stand for other machines, and must not take this one's time.
                os.setpriority(os.PRIO_PROCESS, pid, SERVERS_FIRST)
        timeout = aiohttp.ClientTimeout(total=ASK_S)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        there = World(asterisk, pods, sip_port, http, folders)
        try:
            yield there
        finally:
            for index, pod in enumerate(pods):
                if not pod.killed:
                    note(await there.metric("interject_late_ticks_total", index))


def _server(
    places: Places, tree: Path, document: dict[str, Any], append: Mapping[str, str]
) -> AbstractAsyncContextManager[AsteriskServer]:
    if document.get("published"):
        values = places.etc.parent / "asterisk.yaml"
        values.write_text(yaml.safe_dump(document))
        return supervised_server(places, tree, values)
    files = render(load_values(document, "the test's values"), places)
    for name, text in append.items():
        files[name] += text
    return asterisk_server(places, files)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of the loopback address that is free now."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _values(sip_port: int, pods: Sequence[PodProcess], phones: int) -> dict[str, Any]:
    first = 20_000 + sip_port % 20 * RTP_PORTS
    return {
        "api": [f"127.0.0.1:{pod.addresses.http_port}" for pod in pods] or ["127.0.0.1:1"],
        "phones": [
            {
                "name": f"p{index}",
                "extension": str(200 + index),
                "password": {"value": PASSWORD},
            }
            for index in range(phones)
        ],
        "sip": {"bindHost": "127.0.0.1", "port": sip_port},
        "rtp": {"firstPort": first, "lastPort": first + RTP_PORTS - 1},
        "codecs": ["ulaw", "alaw", "g722"],
        "logLevel": "verbose",
        "drainSeconds": 0,
    }
