"""Where AudioSocket calls come in: a `CallServer` whose connections begin with a UUID frame."""

import asyncio
import socket
from uuid import UUID

from media_pod.transport.audiosocket.connection import Connection
from media_pod.transport.audiosocket.frames import (
    HEADER_BYTES,
    UUID_BYTES,
    AudioSocketError,
    Decoder,
    Kind,
)
from media_pod.transport.server import CallServer


class HandshakeError(AudioSocketError):
    """A connection that does not begin with a UUID."""


class AudioSocketServer(CallServer[Connection]):
    """A listening socket and the connections that came from it; see `CallServer`."""

    protocol = "AudioSocket"

    def _connection(self, sock: socket.socket, peer: str) -> Connection:
        return Connection(sock, peer, self._on_end, stall_s=self._stall_s)

    async def _uuid(self, connection: Connection, sock: socket.socket) -> UUID:
        loop = asyncio.get_running_loop()
        decoder = Decoder(max_payload_bytes=UUID_BYTES)
        missing = HEADER_BYTES + UUID_BYTES
        while True:
            data = await loop.sock_recv(sock, missing)
            if not data:
                decoder.eof()
                raise HandshakeError("read the end of the stream, expected a UUID frame")
            if not decoder.pending and data[0] != Kind.UUID:
                raise HandshakeError(f"read a frame of kind {data[0]:#04x}, expected 0x01 (UUID)")
            frames = decoder.feed(data)
            if frames:
                return frames[0].uuid
            if decoder.error is not None:
                raise decoder.error
            missing -= len(data)
