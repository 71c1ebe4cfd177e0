"""What the clock and a call ask of a call's connection, whichever protocol it speaks."""

from typing import Protocol

from media_pod.duplex.contract import Pcm
from media_pod.transport.audiosocket.frames import Frame


class Line(Protocol):
    """One call's connection. Nothing here waits, and nothing raises."""

    peer: str
    """What logs call the other side."""
    ended: str | None
    """Why the call is over; None while it runs."""

    @property
    def wanted(self) -> int:
        """How many rows `send` is to be given in this tick: 1 as a rule, 0 while the other side is
        not ready, more if its queue is short of rows."""

    @property
    def left(self) -> int | None:
        """How many of the rows given to `send` have been played for sure, counted over the call;
        None if each is played in the tick in which it is sent."""

    def send(self, row: bytes | memoryview) -> None:
        """Send one row: what the protocol has in front of samples, and 20 ms of them."""

    def playing(self) -> Pcm | None:
        """A tick passes, to be told once in each, after its rows: what is played in it, int16
        [samples]. None: the row that was sent in it, and silence if there was none."""

    def flush(self) -> None:
        """Forget the rows that have not been played."""

    def read(self, now: float) -> list[Frame]:
        """The audio and digits that arrived since the last call.

        Args:
            now: monotonic time in seconds.
        """

    def hang_up(self, reason: str) -> None:
        """End the call politely; without effect if it is over."""
