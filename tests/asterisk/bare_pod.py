"""A media pod without any speech: answers the dialplan, and sends each call a tone.

Run as a process, `python bare_pod.py`; it prints the port of its HTTP API. It takes a fraction of
the processor time of a pod, so that one machine can hold the calls that Asterisk is tried with.
"""

import asyncio
import struct
import time
from typing import cast

import uvloop

TICK_S = 0.02
LATE_S = 0.1
FRAME = b"\x10\x01\x40" + struct.pack("<160h", *(2000 * (1 - i // 4 % 2 * 2) for i in range(160)))


class Calls(asyncio.Protocol):
    """One connection of AudioSocket: what it sends is thrown away."""

    def __init__(self, present: set[asyncio.WriteTransport]) -> None:
        self._present = present

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are not derived
        self._present.add(self._transport)

    def connection_lost(self, reason: Exception | None) -> None:
        self._present.discard(self._transport)


async def main() -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    present: set[asyncio.WriteTransport] = set()
    media = await loop.create_server(lambda: Calls(present), "127.0.0.1", 0, backlog=1024)
    body = b"127.0.0.1:%d" % media.sockets[0].getsockname()[1]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        text = body if b"call-start" in request else b"done"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(text)
        writer.write(head + text)
        await writer.drain()
        writer.close()

    http = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(http.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the test reads it
    due_s = time.monotonic()
    while True:
        due_s += TICK_S
        if (late_s := time.monotonic() - due_s) > LATE_S:
            due_s += late_s  # no burst after a stall
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        for transport in tuple(present):
            transport.write(FRAME)


if __name__ == "__main__":
    uvloop.run(main())
