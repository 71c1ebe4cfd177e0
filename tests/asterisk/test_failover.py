"""When pods or their API fail, or have no room: where the caller comes through, and how soon."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured, spread
from asterisk.world import Called, free_port, world
from interject_lab.network.codecs import CODECS
from interject_lab.network.levels import is_sound
from real_time.retry import in_real_time

KILLS = 3
GONE = "127.0.0.1:1"
"""No process listens there."""


@pytest.mark.core
@pytest.mark.timeout(240)
@in_real_time
async def test_a_killed_pod_s_caller_is_with_another_within_half_a_second(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    killed_ns: list[int] = []
    async with world(tree, tmp_path, [agent()] * (KILLS + 1)) as there:
        phone = there.phone(line(), silent(), max_s=60)
        calling = asyncio.create_task(there.call(phone, "100"))
        for index in range(KILLS):
            await there.until_turn("greeting", index)
            await asyncio.sleep(4)  # in mid-sentence
            killed_ns.append(time.monotonic_ns())
            await there.pods[index].kill()
        await there.until_turn("greeting", KILLS)
        await asyncio.sleep(2)
        phone.hang_up()
        called = await calling
        await there.until_no_call()

    moved = [Moved(called, at_ns) for at_ns in killed_ns]
    assert max(each.without_rtp_ms for each in moved) < 500
    assert max(each.without_sound_ms for each in moved) < 1000
    case = "pod killed in mid-sentence"
    measured.row(case, "RTP at the telephone pauses for", spread([m.without_rtp_ms for m in moved]))
    measured.row(
        case,
        "last sound of one pod to first of the next",
        spread([m.without_sound_ms for m in moved]),
    )


@pytest.mark.timeout(200)
@in_real_time
async def test_an_api_that_is_down_slow_or_lies_costs_a_moment(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with bad_apis() as bad, AsyncExitStack() as stack:
        http = free_port()
        dialplan = [
            {"name": f"bad{index}", "extensions": [str(110 + index)],
             "api": [address, f"127.0.0.1:{http}"]}
            for index, address in enumerate(bad.values())
        ]  # fmt: skip
        pod = agent(server={"httpPort": http})
        there = await stack.enter_async_context(world(tree, tmp_path, [pod], dialplan=dialplan))
        # One after the other: Asterisk 22.10 closes the descriptor of a refused AudioSocket twice
        # (ast_audiosocket_connect), and the second time it may be another call's.
        called = [
            await there.call(there.phone(line(), silent(), max_s=3), str(110 + index))
            for index in range(len(bad))
        ]
        await there.until_no_call()

    for what, each in zip(bad, called, strict=True):
        assert each.call.ended == "the caller hung up", what
        first_ms = first_rtp_ms(each)
        assert first_ms < 2500, what
        measured.row(
            "first API address is bad", f"{what}: dialled to first RTP", f"{first_ms:.0f} ms"
        )


@pytest.mark.core
@pytest.mark.timeout(90)
async def test_a_full_pod_s_caller_goes_to_its_peer_and_then_to_the_fallback(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    http = [free_port(), free_port()]
    pods = [
        agent(
            capacity={"calls": 1},
            server={"httpPort": port, "peers": [f"127.0.0.1:{p}" for p in http if p != port]},
        )
        for port in http
    ]
    fallback = {"kind": "message", "sound": "vm-goodbye"}
    api = [f"127.0.0.1:{http[0]}"]
    async with world(tree, tmp_path, pods, phones=3, api=api, fallback=fallback) as there:
        phones = [there.phone(line(), silent(), max_s=12, number=n) for n in range(3)]
        calling = []
        for number, phone in enumerate(phones):
            calling.append(asyncio.create_task(there.call(phone, "100", number)))
            if number < 2:
                await there.until_turn("greeting", number)
        called = await asyncio.gather(*calling)
        await there.until_no_call()

    assert [each.call.ended for each in called[:2]] == ["the caller hung up"] * 2
    assert called[2].call.ended == "the bot hung up", "the message, and the end of the call"
    assert called[2].uuid == ""
    assert called[2].call.rtp.last_sound_ns() is not None
    case = "pod full"
    measured.row(case, "its peer: dialled to first RTP", f"{first_rtp_ms(called[1]):.0f} ms")
    measured.row(
        case, "all full, fallback: dialled to first RTP", f"{first_rtp_ms(called[2]):.0f} ms"
    )


@pytest.mark.core
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["failover", "seed", "wide"])
async def test_a_caller_for_whom_no_pod_has_room_is_not_answered_and_not_billed(
    tree: Path, tmp_path: Path, kind: str
) -> None:
    audio, http = free_port(), free_port()
    full = agent(
        capacity={"calls": 1},
        server={"httpPort": http, "audioSocketPort": audio},
        line={"rateHz": 16000 if kind == "wide" else 8000},
    )
    more: dict[str, dict[str, Any]] = {
        "failover": {},
        "seed": {"dialplan": "seed", "audioSocket": f"127.0.0.1:{audio}"},
        "wide": {"rateHz": 16000},
    }
    dialplan = [{"name": "agent", "extensions": ["100"], **more[kind]}]
    async with world(tree, tmp_path, [full], phones=2, dialplan=dialplan) as there:
        first = there.phone(line(), silent(), max_s=30)
        calling = asyncio.create_task(there.call(first, "100"))
        await there.until_turn("greeting")
        second = await there.call(there.phone(line(), silent(), max_s=5, number=1), "100", 1)
        first.hang_up()
        called = await calling
        await there.until_no_call()

    assert called.call.ended == "the caller hung up"
    assert second.call.status == 503
    assert second.call.answered_ns is None


async def test_without_any_pod_the_caller_reaches_a_person(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    fallback = {"kind": "extension", "destination": "interject-phones,201,1"}
    async with world(tree, tmp_path, [], phones=2, api=[GONE], fallback=fallback) as there:
        person = there.phone(line(erl_db=40), silent(), max_s=20, number=1)
        async with person.registered() as desk:
            answering = asyncio.create_task(desk.answer())
            called = await there.call(there.phone(line(), silent(), max_s=4), "100")
            answered = await answering
        await there.until_no_call()

    assert called.call.ended == "the caller hung up"
    assert answered.status == 200
    assert answered.answered_ns is not None
    reached_ms = (answered.answered_ns - called.dialled_ns) / 1e6
    assert reached_ms < 2000
    measured.row("no pod at all", "dialled to the person's answer", f"{reached_ms:.0f} ms")


@asynccontextmanager
async def bad_apis() -> AsyncIterator[dict[str, str]]:
    """Addresses of APIs that do not help, by what they do."""

    async def answering(status: str, body: str) -> asyncio.Server:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
            writer.close()

        return await asyncio.start_server(answer, "127.0.0.1", 0)

    async def silent_api(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    servers = {
        "503": await answering("503 Service Unavailable", "busy"),
        "junk": await answering("200 OK", "<html>$" + "{SHELL(touch pwned)}:1,x)"),
        "an address without a server": await answering("200 OK", GONE),
        "no answer": await asyncio.start_server(silent_api, "127.0.0.1", 0),
    }
    async with AsyncExitStack() as stack:
        for server in servers.values():
            await stack.enter_async_context(server)
        addresses = {
            what: f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for what, server in servers.items()
        }
        yield {"refused": GONE, **addresses}


def first_rtp_ms(called: Called) -> float:
    """From dialling to the first packet."""
    return (called.call.rtp.arrivals[0].at_ns - called.dialled_ns) / 1e6


class Moved:
    """What a caller noticed of a pod's death.

    Args:
        called: the call.
        killed_ns: when the pod was killed.
    """

    def __init__(self, called: Called, killed_ns: int) -> None:
        arrivals = called.call.rtp.arrivals
        around = [
            index
            for index in range(1, len(arrivals))
            if killed_ns - 20e6 < arrivals[index].at_ns < killed_ns + 2e9
        ]
        pauses_ms = [(arrivals[i].at_ns - arrivals[i - 1].at_ns) / 1e6 for i in around]
        self.without_rtp_ms = max(pauses_ms)
        """The longest time without a packet."""
        codec, first = CODECS["PCMU"](), around[pauses_ms.index(self.without_rtp_ms)]
        sounds = [is_sound(codec.decode(arrival.packet.payload)) for arrival in arrivals]
        before = next(i for i in range(first - 1, -1, -1) if sounds[i])
        after = next(i for i in range(first, len(arrivals)) if sounds[i])
        self.without_sound_ms = (arrivals[after].at_ns - arrivals[before].at_ns) / 1e6
        """From the old pod's last packet with sound to the new pod's first."""
