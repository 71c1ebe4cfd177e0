"""Agents that come and go while Asterisk runs, as the operator publishes them."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured
from asterisk.world import World, world
from asterisk_config.agent_values import DialplanAgent, Timeouts
from asterisk_config.published import published
from interject_lab.telephones.sip.conversation import SipCall

NOTICED_S = 5.0
NAME = "default_desk"


class Folder:
    """The published folder, as the kubelet keeps a ConfigMap: `..data` is turned at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns = 0

    def write(self, text: str) -> None:
        self._turns += 1
        versioned = self._folder / f"..{self._turns}"
        versioned.mkdir(parents=True)
        (versioned / "agents.conf").write_text(text)
        new = self._folder / "..data_tmp"
        new.symlink_to(versioned.name)
        os.replace(new, self._folder / "..data")
        key = self._folder / "agents.conf"
        if not key.is_symlink():
            key.symlink_to("..data/agents.conf")


@pytest.mark.timeout(90)
async def test_a_published_agent_is_called_at_once_and_calls_outlive_what_comes_after(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    folder = Folder(tmp_path / "asterisk" / "published")
    async with world(tree, tmp_path, [agent()], dialplan=[], phones=2, published=True) as there:
        assert (await call(there, "500")).status == 404
        folder.write(text(there, "500"))
        began = time.monotonic()
        await until(there, "500", lambda answer: "interject-default_desk" in answer)
        noticed_ms = 1000 * (time.monotonic() - began)
        phone = there.phone(line(), silent(), max_s=60)
        calling = asyncio.create_task(there.call(phone, "500"))
        await there.until_turn("greeting")

        folder.write(text(there, "500") + "[interject-agents](+\n")
        await until_said(there, "rejected, the previous version stays")
        assert "interject-default_desk" in await dialplan(there, "500")

        folder.write(text(there, "501"))
        await until(there, "500", lambda answer: "interject-default_desk" not in answer)
        assert (await call(there, "500", 1)).status == 404
        assert (await call(there, "501", 1)).ended == "the caller hung up"
        reloaded_ns = time.monotonic_ns()

        folder.write(text(there))
        await until(there, "501", lambda answer: "interject-default_desk" not in answer)
        assert "PJSIP/p1" in await there.asterisk.cli("dialplan show 201@interject-phones")
        (running,) = await there.calls()
        phone.hang_up()
        called = await calling
        await there.until_no_call()

    assert (called.call.ended, called.uuid) == ("the caller hung up", running["uuid"])
    last_ns = called.call.rtp.last_sound_ns()
    assert last_ns is not None and last_ns > reloaded_ns
    measured.row("published extension", "file changed until callable", f"{noticed_ms:.0f} ms")


async def test_who_is_sent_on_goes_where_the_published_list_allows_it(
    tree: Path, tmp_path: Path
) -> None:
    place = "interject-phones,201,1"
    sends = agent(
        dialogue={"kind": "scripted", "script": [{"say": "One moment."}, {"transfer": "person"}]},
        telephony={"transfers": [{"name": "person", "goto": place}]},
    )
    folder = Folder(tmp_path / "asterisk" / "published")
    async with world(tree, tmp_path, [sends], dialplan=[], phones=2, published=True) as there:
        folder.write(text(there, "500", transfers=(place,)))
        await until(there, "500", lambda answer: "interject-default_desk" in answer)
        person = there.phone(line(erl_db=40), silent(), max_s=3, number=1)
        async with person.registered() as desk:
            answering = asyncio.create_task(desk.answer())
            assert (await call(there, "500", max_s=20)).ended == "the bot hung up"
            assert (await answering).ended == "the caller hung up"
        await there.until_no_call()

        folder.write(text(there, "501"))
        await until(there, "501", lambda answer: "interject-default_desk" in answer)
        assert (await call(there, "501", max_s=20)).ended == "the bot hung up"
        await until_said(there, f"not sent to {place}")


async def test_a_published_agent_does_not_reach_an_outside_line(tree: Path, tmp_path: Path) -> None:
    outside = "from-internal,00900123,1"
    folder = Folder(tmp_path / "asterisk" / "published")
    sends = agent(
        dialogue={"kind": "scripted", "script": [{"say": "One moment."}, {"transfer": "out"}]},
        telephony={"transfers": [{"name": "out", "goto": outside}]},
    )
    async with world(tree, tmp_path, [sends], dialplan=[], phones=1, published=True) as there:
        folder.write(text(there, "500", transfers=(outside,)))
        await until(there, "500", lambda answer: "interject-default_desk" in answer)
        await until_said(there, f"no transfer to {outside}")
        called = await call(there, "500", max_s=20)
        await there.until_no_call()
        page = await asyncio.to_thread(there.pod_log)

    assert called.ended == "the bot hung up"
    assert f"not sent to {outside}" in there.asterisk.log
    assert f"refused the transfer to {outside}" in page


def text(there: World, *extensions: str, transfers: tuple[str, ...] = ()) -> str:
    """What the operator publishes: no agents, or one with these extensions."""
    api = (f"127.0.0.1:{there.pods[0].addresses.http_port}",)
    desk = DialplanAgent(name=NAME, extensions=extensions, api=api, transfers=transfers)
    return published([desk] if extensions else [], Timeouts())


async def call(there: World, extension: str, number: int = 0, max_s: float = 2) -> SipCall:
    phone = there.phone(line(), silent(), max_s=max_s, number=number)
    return (await there.call(phone, extension, number)).call


async def dialplan(there: World, extension: str) -> str:
    return await there.asterisk.cli(f"dialplan show {extension}@interject-agents")


async def until(there: World, extension: str, true: Callable[[str], bool]) -> None:
    """Until what Asterisk knows of the extension is as it should be."""
    async with asyncio.timeout(NOTICED_S):
        while not true(await dialplan(there, extension)):
            await asyncio.sleep(0.05)


async def until_said(there: World, words: str) -> None:
    async with asyncio.timeout(NOTICED_S):
        while words not in there.asterisk.log:
            await asyncio.sleep(0.05)
