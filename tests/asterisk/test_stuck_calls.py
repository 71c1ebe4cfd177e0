"""A media pod that accepts a WebSocket connection and then freezes."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asterisk.callers import agent, line, silent
from asterisk.world import world
from interject_lab.telephones.sip.conversation import SipCall


@pytest.mark.timeout(120)
async def test_its_call_hangs_others_go_on_and_asterisk_restarts_when_they_are_over(
    tree: Path, tmp_path: Path
) -> None:
    async with frozen_pod() as api:
        dialplan = [
            {"name": "frozen", "extensions": ["100"], "transport": "webSocket", "api": [api]},
            {"name": "good", "extensions": ["101"]},
        ]
        async with world(
            tree, tmp_path, [agent()], dialplan=dialplan, phones=2, published=True
        ) as there:
            good = there.phone(line(), silent(), max_s=60, number=1)
            talking = asyncio.create_task(there.call(good, "101", 1))
            await there.until_turn("greeting")
            caller = there.phone(line(), silent(), max_s=2)
            hanging = asyncio.create_task(there.call(caller, "100"))
            await there.until_said("hangs: its media pod accepted WebSocket/127.0.0.1")
            await hanging
            assert await there.asterisk.channels() >= 2, "the caller's is left"
            assert "restarting" not in there.asterisk.log
            sound = await there.until_turn("greeting")
            good.hang_up()
            ended = await talking
            code = await there.asterisk.until_exit()

    assert sound["state"] == "connected"
    assert heard_to_the_end(ended.call)
    assert code == 128 + signal.SIGKILL
    assert "no call is left but 1 that hang: restarting Asterisk" in there.asterisk.log


def heard_to_the_end(call: SipCall) -> bool:
    return call.ended == "the caller hung up" and max(call.rtp.pauses_ms(), default=0) < 1000


@asynccontextmanager
async def frozen_pod() -> AsyncIterator[str]:
    """An API that names an address where connections are accepted and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as media:
        named = f"127.0.0.1:{media.getsockname()[1]}"

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(named)}\r\nConnection: close\r\n\r\n"
            writer.write(f"{head}{named}".encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
