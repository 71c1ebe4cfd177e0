"""Asterisk's queue of one call, as it must be by now. No I/O and no clock: ticks are counted.

chan_websocket plays a queue on a 20 ms timer of its own. The pod keeps `SEND_AHEAD` rows in it, so
that a pod or a network that is late for less than that is not heard, and has to know which row is
leaving it: that one is what the echo canceller gets as played, and what the caller has heard.

    wanted    how many rows this tick has to give: one as a rule; at the start, after a flush and
              after a stall those that the queue lacks on top
    push      a row was sent
    tick      20 ms have passed: the oldest row leaves, if there is one
    flush     Asterisk forgot its queue

The model is exact as long as both timers run alike and the network is in time. Marks check it: a
mark is set in front of a row and reported when that row leaves, so the report should be read in
the tick in which the model lets the row go or in the next one; `MAX_LATE_TICKS` grants the network
one more. One report that deviates proves nothing: it may have been late on its way, and the pod may
have been late for its tick. So a second mark is set at once. If it deviates to the same side, the
smaller of the two deviations is believed.

- **Reported before the model let the row go.** The queue is shallower than thought: the pod's timer
  is slower than Asterisk's. The model lets go of what has left, and the rows that are lacking are
  wanted.
- **Reported too late.** The queue is deeper: rows were late, Asterisk played silence and then all
  of them; or the pod's timer is faster. The model holds its rows back by as much. Rows without
  sound are then left out, until the queue is as deep as it should be.

After either the model expects reports one tick after the row; marks from before do not count.
"""

from collections import deque
from typing import Final

SEND_AHEAD: Final = 4
"""Rows in Asterisk's queue just before the next one is sent: 80 ms. A garbage collection or a
neighbour on the same core costs two or three ticks now and then; every row more is heard as a
longer pause before each answer."""
MAX_LATE_TICKS: Final = 2
MARK_ROWS: Final = 50
"""One mark a second: drift between two computers' timers is one row in minutes."""
MAX_QUEUED: Final = 1000
"""Asterisk's own bound; it drops what comes on top, and the model its oldest."""
MAX_MARKS: Final = 8
"""Set and not reported: of more than these the oldest is forgotten."""


class Playback:
    """The queue of one call; see the module for its rules."""

    def __init__(self, send_ahead: int = SEND_AHEAD) -> None:
        self._send_ahead = send_ahead
        self._queue: deque[tuple[bytes | None, int]] = deque()
        """Rows and their numbers, from 1; None for silence that Asterisk played on its own."""
        self._given = 0
        self._ticks = 0
        self._marks: dict[int, int | None] = {}
        """By the number of the row behind the mark: in which tick that row left."""
        self._rows_to_mark = 0
        self._doubt = 0
        """By how many rows the last report deviated, if it is not believed yet."""
        self.left = 0
        """The number of the last row that has left, of those given; rows flushed have none."""

    @property
    def wanted(self) -> int:
        """How many rows to give in this tick, at least one."""
        return max(self._send_ahead - len(self._queue), 0) + 1

    @property
    def ahead(self) -> bool:
        """More is queued than should be: a row without sound is better left out."""
        return len(self._queue) > self._send_ahead

    @property
    def mark_due(self) -> bool:
        """A mark is to be set in front of the next row."""
        return self._rows_to_mark == 0

    @property
    def next_mark(self) -> str:
        """What a mark in front of the next row is called: that row's number."""
        return str(self._given + 1)

    def push(self, row: bytes, *, marked: bool) -> None:
        """The next row was sent, behind a mark or not."""
        self._given += 1
        if len(self._queue) == MAX_QUEUED:
            self._pop()
        self._queue.append((row, self._given))
        if not marked:
            self._rows_to_mark = max(self._rows_to_mark - 1, 0)
            return
        self._rows_to_mark = MARK_ROWS - 1
        self._marks[self._given] = None
        if len(self._marks) > MAX_MARKS:
            del self._marks[next(iter(self._marks))]

    def leave_out(self) -> None:
        """The next row was not sent: it has no sound, or it could not leave."""
        self._given += 1

    def tick(self) -> bytes | None:
        """The row that leaves in this tick; None if Asterisk has none, and plays silence."""
        self._ticks += 1
        return self._pop() if self._queue else None

    def flush(self) -> None:
        """Asterisk has forgotten all that was queued."""
        self._queue.clear()
        self._start_anew()

    def marked(self, mark: str) -> int:
        """Asterisk reports `mark`; any text will do.

        Returns:
            By how many rows the queue turned out deeper (positive) or shallower (negative).
        """
        number = next((row for row in self._marks if str(row) == mark), None)
        if number is None:
            return 0
        deviation = self._deviation(number, self._marks.pop(number))
        doubt, self._doubt = self._doubt, deviation
        if deviation * doubt <= 0:
            if deviation:
                self._rows_to_mark = 0
            return 0
        rows = min(deviation, doubt, key=abs)
        return self._hold(rows) if rows > 0 else -self._hurry(-rows)

    def _deviation(self, number: int, left_at: int | None) -> int:
        """By how many rows the queue seems deeper, from a mark that is reported now."""
        if left_at is None:
            return -1 - self._rows_to(number)
        late = self._ticks - left_at
        return late - 1 if late > MAX_LATE_TICKS else 0

    def _rows_to(self, number: int) -> int:
        """How many rows leave until `number` has."""
        return 1 + [queued for _, queued in self._queue].index(number)

    def _hurry(self, rows: int) -> int:
        rows = min(rows, len(self._queue))
        for _ in range(rows):
            self._pop()
        self._start_anew()
        return rows

    def _hold(self, rows: int) -> int:
        rows = min(rows, MAX_QUEUED - len(self._queue))
        self._queue.extendleft([(None, 0)] * rows)
        self._start_anew()
        return rows

    def _pop(self) -> bytes | None:
        row, number = self._queue.popleft()
        if row is not None:
            self.left = number
            if number in self._marks:
                self._marks[number] = self._ticks
        return row

    def _start_anew(self) -> None:
        """Marks set so far tell nothing any more; the next row gets one."""
        self._marks.clear()
        self._doubt = 0
        self._rows_to_mark = 0
