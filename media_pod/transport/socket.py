"""One call's socket, which the pod's clock writes and reads once per tick, without a task.

    OPEN      `send` and `read` work
    CLOSING   the call is over: a goodbye is on its way, what still arrives is discarded (`drain`)
    CLOSED    the socket is closed

    from      on                                                     to
    OPEN      end of the stream, or the socket failed                CLOSED
    OPEN      `hang_up`, the peer's own goodbye, bytes that are      CLOSING
              not of the protocol, half a frame for too long,
              frames that do not leave for too long
    CLOSING   end of the stream, the socket failed, or a deadline    CLOSED

The first of these transitions sets `ended` to the reason; there is no way back to OPEN.

A socket that is closed with audio unread answers with RST, and Asterisk takes an RST for a failed
call. So every end that is not the peer's own goes through CLOSING: Asterisk answers a goodbye by
closing within a millisecond or so, until then its audio is read. The clock takes no part in that:
`on_end` notifies the connection's owner, who runs `drain`, one short task with a deadline.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Final
from uuid import UUID

from media_pod.duplex.contract import Pcm
from media_pod.transport.line import READ_BYTES, LineEvent, LineProtocol

STALL_S: Final = 2.0
"""How long half a frame may stay half, and a frame may wait to leave. Asterisk sends a frame in one
write and itself gives a call up after 2 s of silence on the socket."""
SEND_BUFFER_BYTES: Final = 8192
"""SO_SNDBUF. The kernel's own choice grows to minutes of audio, and a peer that does not read would
go unnoticed for that long; this holds well under a second on top of what the peer's side takes."""
MAX_UNSENT_BYTES: Final = 4096
"""What may wait behind a frame that has not left whole: a goodbye, commands, answers to pings."""
USER_TIMEOUT_MS: Final = 5000
"""TCP_USER_TIMEOUT: how long the kernel goes on for a peer that vanished, after `STALL_S` has ended
the call and the socket is closed."""

_logger = logging.getLogger(__name__)


class SocketState(Enum):
    """Where a connection is in its life; the module has the transitions."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class CallSocket:
    """A connected socket, owned from now on: the `MediaLine` of its protocol.

    Args:
        sock: connected; made non-blocking here.
        protocol: what the bytes mean.
        on_end: called once, when `ended` is set; must see to `drain` if the state is CLOSING.
        stall_s: see `STALL_S`.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: LineProtocol,
        on_end: Callable[["CallSocket"], None],
        *,
        stall_s: float = STALL_S,
    ) -> None:
        self._sock = sock
        self._protocol = protocol
        self._on_end = on_end
        self._stall_s = stall_s
        self._unsent = b""
        self._blocked = False
        self._blocked_since: float | None = None
        self._partial_since: float | None = None
        self._awaited_since: float | None = None
        self.peer = protocol.peer
        self.state = SocketState.OPEN
        self.ended: str | None = None
        """Why the call is over; None while it runs."""
        self.refused = False
        """See `MediaLine.refused`."""
        self.dropped_frames = 0
        """Frames that never left because the ones before them had not."""
        _configure(sock)

    @property
    def frames_needed(self) -> int:
        """See `MediaLine.frames_needed`."""
        needed = self._protocol.frames_needed
        # Frames that cannot leave are lost: no more of them than time passes.
        return 1 if needed > 1 and self._blocked else needed

    @property
    def frames_played(self) -> int | None:
        """See `MediaLine.frames_played`."""
        return self._protocol.frames_played

    async def handshake(self) -> UUID:
        """Read the call's UUID; what follows it stays in the socket, for the call to read.

        Raises:
            InterjectError: what was read is not how a connection of this protocol begins.
            OSError: the socket failed.
        """
        loop, protocol = asyncio.get_running_loop(), self._protocol
        while True:
            uuid = protocol.receive_hello(await loop.sock_recv(self._sock, protocol.hello_bytes))
            if uuid is not None:
                return uuid

    def accept(self) -> None:
        """Answer the handshake: the pod takes the call."""
        if self.state is SocketState.OPEN:
            self._protocol.accept()
            self._post()

    def send(self, frame: bytes | memoryview) -> bool:
        """Write one frame in one piece, behind what waits; never blocks.

        Of a frame that does not fit, the rest leaves before anything else; frames given until then
        are dropped and counted, so that none is ever torn. Asterisk ends an AudioSocket call whose
        payload comes more than 5 ms after its header, which only one write per frame avoids. The
        frame's memory is the caller's again on return. No effect once the call is over.

        Returns:
            False for a frame that was dropped, or that came after the call's end.
        """
        if self.state is not SocketState.OPEN:
            return False
        wire = self._protocol.encode(frame)
        if not wire:
            return True
        whole = self._write(wire)
        self._protocol.wrote(whole=whole)
        return whole

    def playing(self) -> Pcm | None:
        """See `MediaLine.playing`."""
        return self._protocol.playing()

    def flush(self) -> None:
        """See `MediaLine.flush`."""
        if self.state is SocketState.OPEN:
            self._protocol.flush()
            self._post()

    def read(self, now: float) -> Sequence[LineEvent]:
        """The events that arrived since the last call, as far as `READ_BYTES` go.

        Never blocks and never raises: what ends the call is in `ended` afterwards, and the events
        in front of it are returned.

        Args:
            now: monotonic time in seconds.
        """
        protocol = self._protocol
        if protocol.awaited:
            self._watch_awaited(now, protocol.awaited)
        if self.state is not SocketState.OPEN:
            return ()
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            self._watch(now, progress=False)
            return ()
        except OSError as error:
            self._lost(error)
            return ()
        if not data:
            self._end(SocketState.CLOSED, protocol.receive_eof())
            return ()
        events = protocol.receive_data(data)
        if not protocol.fault:
            self._post()
        self._watch(now, progress=bool(events))
        if protocol.fault:
            self._end_call(protocol.fault, refused=not protocol.goodbye)
        return events

    def hang_up(self, reason: str = "the bot hung up") -> None:
        """End the call politely: a goodbye, and then whatever the peer needs to close (`drain`).

        No effect if the call is over already.
        """
        self._end_call(reason, refused=False)

    def _end_call(self, reason: str, *, refused: bool) -> None:
        if self.state is not SocketState.OPEN:
            return
        self.refused = refused
        self._protocol.close(reason)
        try:
            self._push_out(self._protocol.data_to_send())
        except OSError:
            self._end(SocketState.CLOSED, reason)
            return
        self._end(SocketState.CLOSING, reason)

    async def drain(self, timeout_s: float) -> None:
        """Discard what the peer still sends until it closes, then close.

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
        self.state = SocketState.CLOSED
        self._sock.close()

    def _write(self, wire: bytes) -> bool:
        """Write `wire` behind what waits; returns if it leaves, now or as a rest."""
        try:
            if self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
                self._blocked_since = None
            if self._unsent:
                self.dropped_frames += 1
                return False
            sent = self._sock.send(wire)
        except BlockingIOError:
            self._blocked = True
            self.dropped_frames += 1
            return False
        except OSError as error:
            self._lost(error)
            return False
        self._blocked = sent < len(wire)
        if self._blocked:
            self._unsent = wire[sent:]
        return True

    def _post(self) -> None:
        """Write what the protocol has to say and must not be dropped.

        It waits behind a frame that has not left, up to `MAX_UNSENT_BYTES` of it.
        """
        data = self._protocol.data_to_send()
        if not data:
            return
        try:
            self._push_out(data)
        except OSError as error:
            self._lost(error)
            return
        if len(self._unsent) > MAX_UNSENT_BYTES:
            self._refuse(
                f"{len(self._unsent)} bytes wait for the peer, expected at most {MAX_UNSENT_BYTES}"
            )

    def _push_out(self, data: bytes) -> None:
        """Write `data` behind what waits, as far as it goes."""
        self._unsent += data
        with suppress(BlockingIOError):
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        self._blocked = bool(self._unsent)

    def _watch_awaited(self, now: float, awaited: str) -> None:
        """End the call if what has to come first does not come."""
        if self._awaited_since is None:
            self._awaited_since = now
        elif now - self._awaited_since > self._stall_s:
            self._refuse(f"read no {awaited} within {self._stall_s:g} s")

    def _watch(self, now: float, *, progress: bool) -> None:
        """End the call if half a frame, or a frame that cannot leave, has waited for too long."""
        pending = self._protocol.pending
        if not pending:
            self._partial_since = None
        elif progress or self._partial_since is None:
            self._partial_since = now
        elif now - self._partial_since > self._stall_s:
            self._refuse(
                f"read {pending} bytes of a frame, expected the rest of it "
                f"within {self._stall_s:g} s"
            )
        if not self._blocked:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = now
        elif now - self._blocked_since > self._stall_s:
            self._refuse(f"the peer took nothing for {self._stall_s:g} s")

    def _refuse(self, reason: str) -> None:
        self._end_call(reason, refused=True)

    def _lost(self, error: OSError) -> None:
        self._end(SocketState.CLOSED, f"the connection was lost: {error.strerror or error}")

    def _end(self, state: SocketState, reason: str) -> None:
        self.state = state
        self.ended = reason
        if state is SocketState.CLOSED:
            self._sock.close()
        lost = f" ({self.dropped_frames} frames never left)" if self.dropped_frames else ""
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
