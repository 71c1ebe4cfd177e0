"""One call's socket that the pod's clock writes and reads once per tick, without a task.

    OPEN      `send` and `read` work
    CLOSING   the call is over: a goodbye is on its way, what still arrives is thrown away (`drain`)
    CLOSED    the socket is closed

    from      on                                                     to
    OPEN      end of the stream, or the socket failed                CLOSED
    OPEN      `hang_up`, the peer's own goodbye, bytes that are      CLOSING
              not of the protocol, half a frame for too long,
              rows that do not leave for too long
    CLOSING   end of the stream, the socket failed, or a deadline    CLOSED

`ended` says why, from the first of these transitions on; there is no way back to OPEN.

A socket that is closed with audio unread answers with RST, and Asterisk takes an RST for a failed
call. So every end that is not the peer's own goes through CLOSING: Asterisk answers a goodbye by
closing within a millisecond or so, until then its audio is read. The clock has nothing to do with
that: who made the connection is told (`on_end`) and runs `drain`, one short task with a deadline.
"""

import asyncio
import logging
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any, Final, Generic, TypeVar

READ_BYTES: Final = 8192
"""The most that one `read` takes: half a second at 8 kHz. A peer that sends more is slowed down by
TCP, and costs the other calls of the tick no more than this."""
MAX_FRAMES_PER_READ: Final = 64
"""What `READ_BYTES` of the shortest packets (10 ms at 8 kHz) hold, with digits among them. Frames
cost time each, so a flood of tiny ones ends its call."""
STALL_S: Final = 2.0
"""How long half a frame may stay half, and a row may wait to leave. Asterisk sends a frame in one
write and itself gives a call up after 2 s of silence on the socket."""
SEND_BUFFER_BYTES: Final = 8192
"""SO_SNDBUF. The kernel's own choice grows to minutes of audio, and a peer that does not read would
go unnoticed for that long; this holds well under a second on top of what the peer's side takes."""
MAX_UNSENT_BYTES: Final = 4096
"""What may wait behind a row that has not left whole: a goodbye, commands, answers to pings."""
USER_TIMEOUT_MS: Final = 5000
"""TCP_USER_TIMEOUT: how long the kernel goes on for a peer that vanished, after `STALL_S` has ended
the call and the socket is closed."""

_logger = logging.getLogger(__name__)

FrameT = TypeVar("FrameT")


class State(Enum):
    """Where a connection is in its life; the module has the transitions."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class CallSocket(ABC, Generic[FrameT]):
    """A connected socket, owned from now on; what its bytes mean is the subclass's.

    Args:
        sock: connected; made non-blocking here.
        peer: what logs call the other side.
        on_end: called once, when `ended` is set; must see to `drain` if the state is CLOSING.
        stall_s: see `STALL_S`.
    """

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        on_end: Callable[[Any], None],
        *,
        stall_s: float = STALL_S,
    ) -> None:
        self._sock = sock
        self._on_end = on_end
        self._stall_s = stall_s
        self._unsent = b""
        self._blocked = False
        self._blocked_since: float | None = None
        self._partial_since: float | None = None
        self.peer = peer
        self.state = State.OPEN
        self.ended: str | None = None
        """Why the call is over; None while it runs."""
        self.dropped_rows = 0
        """Rows that never left because the ones before them had not."""
        _configure(sock)

    def read(self, now: float) -> list[FrameT]:
        """The frames for the call that arrived since the last call, as far as `READ_BYTES` go.

        Never blocks and never raises: what ends the call is in `ended` afterwards, and the frames
        in front of it are returned.

        Args:
            now: monotonic time in seconds.
        """
        if self.state is not State.OPEN:
            return []
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            self._watch(now, progress=False)
            return []
        except OSError as error:
            self._lost(error)
            return []
        if not data:
            self._end(State.CLOSED, self._end_of_stream())
            return []
        frames = self._decode(data)
        self._watch(now, progress=bool(frames))
        return self._accept(frames)

    def hang_up(self, reason: str = "the bot hung up") -> None:
        """End the call politely: a goodbye, and then whatever the peer needs to close (`drain`).

        Without effect if the call is over already.
        """
        if self.state is not State.OPEN:
            return
        try:
            self._push_out(self._goodbye(reason))
        except OSError:
            self._end(State.CLOSED, reason)
            return
        self._end(State.CLOSING, reason)

    async def drain(self, timeout_s: float) -> None:
        """Throw away what the peer still sends until it closes, then close.

        After `timeout_s`, or when cancelled, the socket is closed as it is; the peer then sees RST.
        """
        loop = asyncio.get_running_loop()
        try:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(timeout_s):
                    if self._unsent:
                        await loop.sock_sendall(self._sock, self._unsent)
                    while await loop.sock_recv(self._sock, READ_BYTES):
                        pass
        finally:
            self.close()

    def close(self) -> None:
        """Close the socket at once; `hang_up` and `drain` are the polite way."""
        self.state = State.CLOSED
        self._sock.close()

    @property
    @abstractmethod
    def _pending(self) -> int:
        """Bytes read of a frame that is not complete."""

    @abstractmethod
    def _decode(self, data: bytes) -> list[FrameT]:
        """The frames that `data` completes; never raises."""

    @abstractmethod
    def _accept(self, frames: list[FrameT]) -> list[FrameT]:
        """Those of `frames` that are for the call; hangs up at the first that forbids going on."""

    @abstractmethod
    def _goodbye(self, reason: str) -> bytes:
        """What tells the peer that the call is over."""

    @abstractmethod
    def _end_of_stream(self) -> str:
        """Why the call is over, now that the peer has closed."""

    def _write(self, row: bytes | memoryview) -> bool:
        """Write `row` in one piece, behind what waits; returns if it leaves, now or as a rest.

        A row that finds others waiting is dropped and counted, so that none is ever torn.
        """
        if self.state is not State.OPEN:
            return False
        try:
            if self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
                self._blocked_since = None
            if self._unsent:
                self.dropped_rows += 1
                return False
            sent = self._sock.send(row)
        except BlockingIOError:
            self._blocked = True
            self.dropped_rows += 1
            return False
        except OSError as error:
            self._lost(error)
            return False
        self._blocked = sent < len(row)
        if self._blocked:
            self._unsent = bytes(row[sent:])
        return True

    def _post(self, message: bytes) -> None:
        """Write what must not be dropped; it waits its turn, up to `MAX_UNSENT_BYTES` of it."""
        if self.state is not State.OPEN:
            return
        try:
            self._push_out(message)
        except OSError as error:
            self._lost(error)
            return
        if len(self._unsent) > MAX_UNSENT_BYTES:
            self.hang_up(
                f"{len(self._unsent)} bytes wait for the peer, expected at most {MAX_UNSENT_BYTES}"
            )

    def _push_out(self, message: bytes) -> None:
        """Write `message` behind what waits, as far as it goes."""
        self._unsent += message
        with suppress(BlockingIOError):
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        self._blocked = bool(self._unsent)

    def _watch(self, now: float, *, progress: bool) -> None:
        """End the call if half a frame, or a row that cannot leave, has waited for too long."""
        if not self._pending:
            self._partial_since = None
        elif progress or self._partial_since is None:
            self._partial_since = now
        elif now - self._partial_since > self._stall_s:
            self.hang_up(
                f"read {self._pending} bytes of a frame, expected the rest of it "
                f"within {self._stall_s:g} s"
            )
        if not self._blocked:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = now
        elif now - self._blocked_since > self._stall_s:
            self.hang_up(f"the peer took nothing for {self._stall_s:g} s")

    def _lost(self, error: OSError) -> None:
        self._end(State.CLOSED, f"the connection was lost: {error.strerror or error}")

    def _end(self, state: State, reason: str) -> None:
        self.state = state
        self.ended = reason
        if state is State.CLOSED:
            self._sock.close()
        lost = f" ({self.dropped_rows} frames never left)" if self.dropped_rows else ""
        _logger.info("connection of %s ended: %s%s", self.peer, reason, lost)
        self._on_end(self)


def _configure(sock: socket.socket) -> None:
    sock.setblocking(False)
    # A peer that has gone by now shows at the first read.
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if sys.platform == "linux":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
