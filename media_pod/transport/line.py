"""The two sides of a call's connection: what the clock asks of it, and what its bytes mean.

    clock    --  frames and events  --  MediaLine: a CallSocket, which owns the file descriptor
    CallSocket      --  bytes  --       LineProtocol: AudioSocket or chan_websocket, without I/O

A frame is 20 ms of mono linear PCM, 16 bits, little endian, at the pod's rate. Headers, messages
and commands stay inside the protocol. No method here waits, and only `receive_hello` raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, Protocol
from uuid import UUID

from media_pod.duplex.contract import Pcm

READ_BYTES: Final = 8192
"""The most that one `read` takes: half a second at 8 kHz. TCP slows down a peer that sends more,
and the other calls of the tick lose no more time than this costs."""
MAX_FRAMES_PER_READ: Final = 64
"""What `READ_BYTES` of the shortest packets (10 ms at 8 kHz) hold, with digits among them. Each
frame costs time, so a flood of tiny ones ends its call."""


@dataclass(frozen=True, slots=True)
class Audio:
    """The caller's samples at the pod's rate; a packet of any length, empty ones too."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """One DTMF digit: 0-9, A-D, * or #."""

    digit: str


class SkipReason(StrEnum):
    """Why something that a peer sent is skipped."""

    UNKNOWN_KIND = "unknown_kind"
    """A kind of frame that this version does not know."""
    BEFORE_START = "before_start"
    """Audio in front of what has to come first."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A frame that the call goes on without."""

    reason: SkipReason


LineEvent = Audio | Digit | Skipped


class MediaLine(Protocol):
    """One call's connection, as the clock sees it. Nothing here waits, and nothing raises."""

    peer: str
    """The other side's address, for logs."""
    ended: str | None
    """Why the call is over; None while it runs."""
    refused: bool
    """The call is over because the pod could not go on with what this peer sent, or did not."""

    @property
    def frames_needed(self) -> int:
        """Frames to `send` in this tick: 1 as a rule, 0 while the other side is not ready, more if
        its queue is short of frames."""

    @property
    def frames_played(self) -> int | None:
        """How many of the frames given to `send` have certainly been played, counted over the call
        with those that it refused; None if each is played in the tick in which it is sent."""

    def send(self, frame: bytes | memoryview) -> bool:
        """Send one frame. Its memory is the caller's again on return.

        Returns:
            Whether the line took it; False if it will never reach the other side.
        """

    def playing(self) -> Pcm | None:
        """Advance by one tick; to be called once per tick, after its frames.

        Returns:
            What is played in this tick, int16 [samples]; None for the frame that was sent in it, or
            silence if there was none.
        """

    def flush(self) -> None:
        """Discard the frames that have not been played."""

    def read(self, now: float) -> Sequence[LineEvent]:
        """The audio and digits that arrived since the last call.

        Args:
            now: monotonic time in seconds.
        """

    def hang_up(self, reason: str) -> None:
        """End the call with the protocol's goodbye; no effect if it is over."""


class LineProtocol(Protocol):
    """One connection's bytes, without I/O and without time.

    The socket writes what `encode` returns, and what `data_to_send` returns after `accept`,
    `receive_data`, `flush` and `close`. Once `fault` is set it passes no more data in.

    Args:
        rate_hz: of the samples, both ways.
        peer: the other side's address, for logs.
    """

    name: ClassVar[str]
    """The protocol's name in messages."""
    peer: str
    fault: str
    """Why the call has to end; empty while nothing is wrong."""
    goodbye: bool
    """`fault` is the peer's own goodbye."""

    def __init__(self, rate_hz: int, peer: str) -> None: ...

    @property
    def hello_bytes(self) -> int:
        """The most bytes to read for the next `receive_hello`; what follows it stays unread."""

    def receive_hello(self, data: bytes) -> UUID | None:
        """Take bytes of the connection's beginning, none at the end of the stream.

        Returns:
            The call's UUID once the beginning is complete.

        Raises:
            InterjectError: a connection does not begin like that.
        """

    def accept(self) -> None:
        """Answer the hello: the pod takes the call."""

    @property
    def awaited(self) -> str:
        """What the peer must send before audio can flow; empty once it did."""

    @property
    def pending(self) -> int:
        """Bytes received of a frame or message that is not complete."""

    @property
    def frames_needed(self) -> int:
        """See `MediaLine.frames_needed`."""

    @property
    def frames_played(self) -> int | None:
        """See `MediaLine.frames_played`."""

    def receive_data(self, data: bytes) -> list[LineEvent]:
        """The events that `data` completes, up to the first thing wrong, which sets `fault`."""

    def receive_eof(self) -> str:
        """Why the call is over, now that the peer has closed."""

    def encode(self, frame: bytes | memoryview) -> bytes:
        """The bytes to write for `frame`, in one piece; empty if nothing is to be written."""

    def wrote(self, *, whole: bool) -> None:
        """The bytes of the last `encode` will reach the peer (`whole`), or none of them will."""

    def playing(self) -> Pcm | None:
        """See `MediaLine.playing`."""

    def flush(self) -> None:
        """See `MediaLine.flush`."""

    def close(self, reason: str) -> None:
        """Say goodbye, or refuse a connection that was not accepted."""

    def data_to_send(self) -> bytes:
        """Answers, commands and the goodbye that have come up since the last call."""
