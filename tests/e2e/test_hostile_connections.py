"""1,000 hostile connections at a running server, and a call that must not notice.

The clock is the test's own: one round is one tick of all calls, as fast as the machine allows, so
the stall deadline passes in rounds and not in seconds. A round ends when the good call's caller has
the very frame that was sent to it, so a single lost or torn frame fails the test.
"""

import asyncio
import logging
import os
import random
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import ExitStack
from enum import Enum
from uuid import UUID

import pytest
import uvloop

from media_pod.transport.audiosocket.frames import AudioSocketError, Frame, FrameKind, encode
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import Audio, LineEvent
from media_pod.transport.server import CallServer
from media_pod.transport.socket import CallSocket

CONNECTIONS = 1000
AT_ONCE = 100
ROUND_S = 0.02
GOOD = UUID(int=1)
ANNOUNCED = UUID(int=2)
"""What a hostile connection says to get in."""
SILENCE = bytes(320)
FRAME = encode(Frame(FrameKind.SLIN, SILENCE))


def hello(call: UUID) -> bytes:
    return encode(Frame(FrameKind.UUID, call.bytes))


class Then(Enum):
    """What a hostile connection does when it has sent its message."""

    RESET = "reset"
    READ = "read until the server closes, or for a second of audio"
    HOLD = "stay, and never read"


def attack(rng: random.Random, number: int) -> bytes:
    """What a hostile connection sends."""
    announced = hello(ANNOUNCED)
    return [
        b"",
        rng.randbytes(rng.randrange(1, 400)),
        announced[: rng.randrange(1, 19)],
        b"\x01" + rng.randrange(65536).to_bytes(2, "big") + rng.randbytes(30),
        hello(UUID(int=rng.getrandbits(128))),
        announced,
        announced + FRAME * 3,
        announced + FRAME[: rng.randrange(1, 323)],
        announced + rng.randbytes(rng.randrange(1, 4000)),
        announced + FRAME * 600,
        announced + b"\x03\x00\x011" * 5000,
        announced + b"\x18\xff\xff" + bytes(70000),
    ][number % 12]


class Pod:
    """The part of a pod that these connections meet: admission and the tick."""

    def __init__(self) -> None:
        self.calls: list[CallSocket] = []
        self.good: CallSocket | None = None
        self.answered = asyncio.Event()
        self.rounds = 0

    def admit(self, connection: CallSocket, call: UUID) -> None:
        if call == GOOD and self.good is None:
            self.good = connection
            self.answered.set()
        elif call != ANNOUNCED:
            raise AudioSocketError(f"read UUID {call}, expected one that was announced")
        self.calls.append(connection)

    def tick(self, good_frame: bytes) -> list[LineEvent]:
        """One tick of every call; what the good call's caller said."""
        self.rounds += 1
        heard: list[LineEvent] = []
        for connection in self.calls:
            connection.send(good_frame if connection is self.good else SILENCE)
            events = connection.read(self.rounds * ROUND_S)
            if connection is self.good:
                heard += events
        self.calls = [connection for connection in self.calls if connection.ended is None]
        return heard


async def assail(
    port: int, message: bytes, then: Then, gate: asyncio.Semaphore, held: ExitStack
) -> None:
    loop = asyncio.get_running_loop()
    async with gate:
        with ExitStack() as mine:
            sock = mine.enter_context(socket.socket())
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                await loop.sock_connect(sock, ("127.0.0.1", port))
                await loop.sock_sendall(sock, message)
                match then:
                    case Then.RESET:
                        sock.setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                        )
                    case Then.HOLD:
                        held.push(mine.pop_all())
                    case Then.READ:
                        left = 50 * len(FRAME)
                        while left > 0 and (data := await loop.sock_recv(sock, 65536)):
                            left -= len(data)
            except (ConnectionResetError, BrokenPipeError):
                pass


async def talk(pod: Pod, port: int, until: asyncio.Future[list[None]]) -> int:
    """The good call, in lockstep with the pod's ticks; how many rounds it had."""
    loop = asyncio.get_running_loop()
    number = 0
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, hello(GOOD))
        await asyncio.wait_for(pod.answered.wait(), 10)
        assert pod.good is not None
        heard: list[LineEvent] = []
        while not until.done() or pod.calls != [pod.good]:
            number += 1
            # sock_recv returns at once when there is data: without this the others would starve.
            await asyncio.sleep(0)
            said = number.to_bytes(4, "little") * 80
            spoken = number.to_bytes(4, "big") * 80
            played = encode(Frame(FrameKind.SLIN, spoken))
            await loop.sock_sendall(sock, encode(Frame(FrameKind.SLIN, said)))
            heard = pod.tick(spoken)
            assert heard == [Audio(said)]
            got = b""
            while len(got) < len(played):
                data = await asyncio.wait_for(loop.sock_recv(sock, len(played) - len(got)), 10)
                assert data, pod.good.ended
                got += data
            assert got == played
        assert pod.good.ended is None
        assert pod.good.dropped_frames == 0
    return number


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def siege() -> int:
    files = open_files()
    pod = Pod()
    rng = random.Random(3000)
    server = CallServer(
        pod.admit,
        AudioSocketProtocol,
        rate_hz=8000,
        host="127.0.0.1",
        port=0,
        uuid_timeout_s=0.2,
        drain_timeout_s=0.2,
    )
    await server.start()
    gate = asyncio.Semaphore(AT_ONCE)
    with ExitStack() as held:
        hostile = asyncio.gather(
            *(
                assail(server.port, attack(rng, number), rng.choice(list(Then)), gate, held)
                for number in range(CONNECTIONS)
            )
        )
        rounds = await talk(pod, server.port, hostile)
        await hostile
    await server.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert open_files() == files
    return rounds


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_good_call_among_hostile_ones(
    new_loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    faults: list[object] = []
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: faults.append(context))
        rounds = runner.run(siege())
    assert rounds > 100
    assert faults == []
    assert {record.levelno for record in caplog.records} == {logging.INFO}
    endings = [record for record in caplog.records if " ended: " in record.getMessage()]
    assert len(endings) == CONNECTIONS + 1, "one line for every connection"
