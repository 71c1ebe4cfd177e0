"""One AudioSocket connection: frames over `transport.connection`, which has its life and its rules.

Asterisk has no queue behind AudioSocket: a frame is played in the tick in which it is sent, so this
line wants one row per tick, has played all that it was given, and has nothing to flush.
"""

import socket
from collections.abc import Callable
from typing import Any, Final

from media_pod.transport.audiosocket.frames import (
    HANGUP,
    AudioSocketError,
    Decoder,
    Frame,
    Kind,
    encode,
)
from media_pod.transport.socket import (
    MAX_FRAMES_PER_READ,
    READ_BYTES,
    STALL_S,
    CallSocket,
    State,
)

__all__ = ["MAX_FRAMES_PER_READ", "READ_BYTES", "STALL_S", "Connection", "State"]


class Connection(CallSocket[Frame]):
    """A connected socket, owned from now on; made by `AudioSocketServer`. See `CallSocket`."""

    wanted: Final = 1
    left: Final = None

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        on_end: Callable[[Any], None],
        *,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(sock, peer, on_end, stall_s=stall_s)
        self._decoder = Decoder()

    def send(self, row: bytes | memoryview) -> None:
        """Write one whole frame, header and payload, in one piece; never blocks.

        Of a row that does not fit, the rest leaves before anything else; rows given until then are
        dropped and counted, so that a frame is never torn. Asterisk ends the call when a payload
        comes more than 5 ms after its header, which only one write per frame avoids. The row is
        the caller's again on return. Without effect once the call is over.
        """
        self._write(row)

    def playing(self) -> None:
        """A tick passes, in which the row is played that was sent in it."""

    def flush(self) -> None:
        """Nothing is queued anywhere."""

    @property
    def _pending(self) -> int:
        return self._decoder.pending

    def _decode(self, data: bytes) -> list[Frame]:
        return self._decoder.feed(data)

    def _accept(self, frames: list[Frame]) -> list[Frame]:
        for index, frame in enumerate(frames):
            match frame.kind:
                case Kind.HANGUP:
                    self.hang_up("the peer sent a hangup frame")
                case Kind.ERROR:
                    self.hang_up(f"the peer sent error {frame.payload.hex() or 'without a code'}")
                case Kind.UUID:
                    self.hang_up("read a second UUID, expected audio, DTMF or hangup")
                case _:
                    continue
            return frames[:index]
        if self._decoder.error is not None:
            self.hang_up(str(self._decoder.error))
        elif len(frames) > MAX_FRAMES_PER_READ:
            self.hang_up(
                f"read {len(frames)} frames at once, expected at most {MAX_FRAMES_PER_READ}"
            )
        return frames

    def _goodbye(self, reason: str) -> bytes:
        return encode(HANGUP)

    def _end_of_stream(self) -> str:
        try:
            self._decoder.eof()
        except AudioSocketError as error:
            return str(error)
        return "the peer closed"
