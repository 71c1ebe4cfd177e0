"""Connections to a Wyoming server that fails."""

import asyncio
import socket

import pytest
from wyoming.event import Event

from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.wyoming.connection import WyomingConnection, host_and_port
from media_pod.providers.wyoming.pool import WyomingPool
from providers.wyoming.faulty_server import FaultyServer, Peer, Script


async def answered(script: Script, deadline_s: float = 10) -> Event:
    async with FaultyServer(script).running() as server:
        connection = await WyomingConnection.open(server.address, 10)
        try:
            await connection.send(10, Event("describe"))
            return await connection.receive(deadline_s, "info", "transcript")
        finally:
            await connection.aclose()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("piper:10200", ("piper", 10200)),
        ("[::1]:1", ("::1", 1)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
    ],
)
def test_addresses(address: str, parts: tuple[str, int]) -> None:
    assert host_and_port(address) == parts


async def test_events_of_other_types_are_skipped() -> None:
    async def script(peer: Peer) -> None:
        await peer.write("pong")
        await peer.write("transcript-chunk", text="no")
        await peer.write("transcript", text="yes")

    assert (await answered(script)).data == {"text": "yes"}


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", FailureKind.UNREACHABLE, "ended before an answer: closed by the server"),
        (b'{"type": "pong"}\n', FailureKind.CUT, "before its answer was whole: closed by the s"),
        (
            b'{"type": "info", "payload_length": 9}\n1234',
            FailureKind.CUT,
            "closed by the server within an event",
        ),
        (b"SSH-2.0-OpenSSH\r\n", FailureKind.BAD_ANSWER, "sent the line 'SSH-2.0-OpenSSH'"),
        (
            b'{"type": "error", "data": {"text": "no\\nRAM", "code": "MemoryError"}}\n',
            FailureKind.SERVER_ERROR,
            "reports 'MemoryError no RAM'",
        ),
        (
            b'{"type": "error", "data": {"text": "x", "code": "VoiceNotFoundError"}}\n',
            FailureKind.NOT_FOUND,
            "VoiceNotFoundError",
        ),
        (b'{"type": "error"}\n', FailureKind.SERVER_ERROR, "reports ''"),
    ],
)
async def test_faults_are_told_apart(data: bytes, kind: FailureKind, message: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.write_raw(data)

    with pytest.raises(ProviderError, match=rf"wyoming 127\.0\.0\.1:\d+.*{message}") as caught:
        await answered(script)
    assert caught.value.kind is kind


async def test_a_server_that_hangs_is_left_at_the_deadline() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_all()

    with pytest.raises(ProviderError, match=r"no info or transcript within 0\.01 s") as caught:
        await answered(script, 0.01)
    assert caught.value.kind is FailureKind.TIMEOUT


async def test_events_of_other_types_do_not_extend_the_deadline() -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.write("pong")
            await asyncio.sleep(0)

    with pytest.raises(ProviderError, match="within"):
        await answered(script, 0.05)


async def test_a_server_that_does_not_read_is_left_at_the_deadline() -> None:
    over = asyncio.Event()

    async def script(_peer: Peer) -> None:
        await over.wait()

    async with FaultyServer(script).running() as server:
        connection = await WyomingConnection.open(server.address, 10)
        with pytest.raises(ProviderError, match="did not read audio-chunk within") as caught:
            await connection.send(0.05, *[Event("audio-chunk", {}, bytes(1 << 20))] * 32)
        assert caught.value.kind is FailureKind.TIMEOUT
        await connection.aclose()
        over.set()


@pytest.mark.parametrize("address", ["no-such-host.invalid:1", "127.0.0.1:70000", ""])
async def test_no_connection_is_unreachable(address: str) -> None:
    with pytest.raises(ProviderError, match="no connection") as caught:
        await WyomingConnection.open(address or free_address(), 10)
    assert caught.value.kind is FailureKind.UNREACHABLE


async def hold(peer: Peer) -> None:
    await peer.read_all()


async def test_one_connection_is_open_ahead_and_none_is_left() -> None:
    async with FaultyServer(hold).running() as server:
        pool = WyomingPool(server.address, 10)
        pool.open_ahead()
        pool.open_ahead()
        await server.has(1)
        async with pool.connection():
            await server.has(2)
        await server.has(1)
        assert server.connections == 2
        await pool.aclose()
        await server.has(0)
        with pytest.raises(ProviderError, match="closed"):
            async with pool.connection():
                pass


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    closed = asyncio.Event()

    async def script(peer: Peer) -> None:
        if not closed.is_set():
            closed.set()
            return
        await peer.read()
        await peer.write("info")

    async with FaultyServer(script).running() as server:
        pool = WyomingPool(server.address, 10)
        pool.open_ahead()
        await closed.wait()
        await server.has(0)
        for _ in range(10):  # of the loop, in which the client learns of it
            await asyncio.sleep(0)
        async with pool.connection() as connection:
            await connection.send(10, Event("describe"))
            assert (await connection.receive(10, "info")).type == "info"
        await pool.aclose()


async def test_a_server_that_was_down_is_tried_again() -> None:
    pool = WyomingPool(free_address(), 10)
    pool.open_ahead()
    with pytest.raises(ProviderError, match="no connection"):
        async with pool.connection():
            pass
    await pool.aclose()


async def test_a_user_that_is_cancelled_while_it_waits_leaves_nothing() -> None:
    async with FaultyServer(hold).running() as server:
        pool = WyomingPool(server.address, 10)
        pool.open_ahead()
        user = asyncio.create_task(pool.connection().__aenter__())
        await asyncio.sleep(0)
        user.cancel()
        with pytest.raises(asyncio.CancelledError):
            await user
        await pool.aclose()
        await server.has(0)
