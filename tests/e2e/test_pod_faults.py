"""What goes wrong around a pod, and what it costs: that call alone."""

import asyncio
import gc
import logging
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from pod_on_sockets import LONG, ONE, SHORT, TWO, manifest, no_recognizer, others, running

from media_pod.dialogues.ports import CallInfo, Dialogue, DialogueFactory
from media_pod.duplex.contract import DuplexBank
from media_pod.errors import SetupError
from media_pod.manifest.agent import AgentSpec
from media_pod.pod.pod import Pod, make_bank
from media_pod.pod.services import AgentServices
from media_pod.providers.ports import ProviderError
from media_pod.providers.requests import RequestObserver
from media_pod.transport.audiosocket.frames import Frame, FrameKind, encode

__all__ = ["no_recognizer"]
without_recognizer = pytest.mark.usefixtures("no_recognizer")


@without_recognizer
async def test_an_unknown_uuid_is_refused_and_a_running_call_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with running(manifest(LONG)) as pod:
        first = await pod.call(ONE)
        await first.hears_the_bot()

        assert await (await pod.connect(TWO)).hears_the_end() == []
        assert await (await pod.connect(ONE)).hears_the_end() == []

        await first.hears_the_bot()
        assert await pod.active_calls() == 1
        assert f"refused: call {TWO} has no reservation" in caplog.text
        assert f"refused: call {ONE} is connected already" in caplog.text
        first.sock.close()


@without_recognizer
async def test_a_caller_who_vanishes_frees_the_slot_and_may_come_again() -> None:
    async with running(manifest(LONG, capacity={"calls": 1})) as pod:
        first = await pod.call(ONE)
        await first.hears_the_bot()
        first.vanish()
        await pod.until_free()

        status, address = await pod.get("/api/call-next", uuid=str(ONE))

        assert (status, address) == (200, f"127.0.0.1:{pod.addresses.audio_port}")
        again = await pod.connect(ONE)
        await again.hears_the_bot()
        again.sock.close()


@pytest.mark.parametrize("port", ["audioSocketPort", "httpPort"])
@without_recognizer
async def test_a_port_in_use_is_told_and_leaves_nothing(port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        pod = Pod(manifest(SHORT, server={port: number}), Path())
        with pytest.raises(SetupError, match=str(number)):
            await pod.start()
        await pod.aclose()

    assert not others()


class Broken:
    """A bank that fails in the middle of a call."""

    def __init__(self, spec: AgentSpec) -> None:
        self._bank = make_bank(spec)
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        if name == "step" and self.broken:
            raise ValueError("the bank is broken")
        return getattr(self._bank, name)


@pytest.mark.parametrize("draining", [False, True])
@without_recognizer
async def test_a_bank_that_fails_ends_the_pod_also_while_it_drains(draining: bool) -> None:
    banks: list[Broken] = []

    def bank(spec: AgentSpec) -> DuplexBank:
        banks.append(Broken(spec))
        return banks[-1]

    stop = asyncio.Event()
    async with running(manifest(LONG), bank=bank) as pod:
        run = asyncio.create_task(pod.pod.run(stop))
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        if draining:
            stop.set()
        banks[0].broken = True

        with pytest.raises(RuntimeError, match="the pod's clock stopped"):
            async with asyncio.timeout(5):
                await run
        end = asyncio.create_task(asterisk.hears_the_end())
    await end


@without_recognizer
async def test_a_call_that_the_pod_refuses_did_not_end_by_its_caller() -> None:
    async with running(manifest(LONG)) as pod:
        asterisk = await pod.call(ONE)
        await asterisk.hears_the_bot()
        await asyncio.get_running_loop().sock_sendall(
            asterisk.sock, encode(Frame(FrameKind.SLIN16, bytes(640)))
        )
        assert await asterisk.hears_the_end()
        await pod.until_counted("error")


@without_recognizer
def test_a_control_token_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    agent = manifest(SHORT, server={"controlToken": {"env": "NO_SUCH_TOKEN"}})
    with pytest.raises(SetupError, match=r"spec\.server\.controlToken: found no environment"):
        Pod(agent, Path())


@without_recognizer
async def test_a_dialogue_that_cannot_be_made_costs_that_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_dialogue = AgentServices.make_dialogue

    def make(services: AgentServices, spec: AgentSpec, folder: Path) -> DialogueFactory:
        scripted = make_dialogue(services, spec, folder)

        def dialogue(info: CallInfo, observer: RequestObserver) -> Dialogue:
            if info.uuid == str(TWO):
                raise ProviderError("mind: no such caller")
            return scripted(info, observer)

        return dialogue

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(AgentServices, "make_dialogue", make)
    async with running(manifest(LONG)) as pod:
        first = await pod.call(ONE)
        await first.hears_the_bot()

        assert await (await pod.call(TWO)).hears_the_end() == []

        await first.hears_the_bot()
        assert await pod.active_calls() == 1
        assert "refused: mind: no such caller" in caplog.text
        first.sock.close()


async def test_a_pod_leaves_no_task_socket_thread_or_process() -> None:
    def sockets() -> int:
        gc.collect()
        links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
        return sum("socket" in os.readlink(link) for link in links if os.path.islink(link))

    def children() -> str:
        return Path(f"/proc/self/task/{os.getpid()}/children").read_text()

    async def once() -> None:
        async with running(manifest(SHORT)) as pod:
            await (await pod.call(ONE)).hears_the_end()

    await once()  # loads what stays loaded
    before = sockets(), children(), {t.name for t in threading.enumerate() if "espeak" in t.name}

    await once()

    assert before == (sockets(), children(), set())
