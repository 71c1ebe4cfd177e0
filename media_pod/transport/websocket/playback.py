"""Asterisk's queue of one call, as it must be by now. No I/O and no clock: ticks are counted.

chan_websocket plays a queue on a 20 ms timer of its own. The pod keeps `SEND_AHEAD` frames in it,
so that a shorter delay of the pod or of the network is not audible. The pod has to know which frame
leaves the queue: that one is what the echo canceller gets as played, and what the caller has heard.

    frames_needed   frames to send in this tick: one as a rule; at the start, after a flush and
                    after a stall also those that the queue lacks
    push            a frame was sent
    tick            20 ms have passed: the oldest frame leaves, if there is one
    flush           Asterisk discarded its queue

The model is exact as long as both timers run alike and the network is in time. Marks check it: a
mark is set in front of a frame and reported when that frame leaves, so the report should be read in
the tick in which the model releases the frame or in the next one; `MAX_LATE_TICKS` allows the
network one more. One report that deviates proves nothing: it may have been late on its way, and the
pod may have been late for its tick. So a second mark is set at once. If it deviates to the same
side, the model is corrected by the smaller of the two deviations.

- **Reported before the model released the frame.** The queue is shallower than assumed: the pod's
  timer is slower than Asterisk's. The model releases what has left, and needs the frames that are
  lacking.
- **Reported too late.** The queue is deeper: frames were late, Asterisk played silence and then all
  of them; or the pod's timer is faster. The model takes back the frames that it let go too early.
  Frames without sound are then left out, until the queue is as deep as it should be.

After either the model expects reports one tick after the frame; marks from before do not count.

While a report is overdue, and after one that came late until the next one, nothing more counts as
played: the network or Asterisk may have stopped. So a stop of either makes no more count than lies
between two marks.
"""

from collections import deque
from typing import Final

SEND_AHEAD: Final = 4
"""Frames in Asterisk's queue just before the next one is sent: 80 ms. A garbage collection or a
neighbour on the same core costs two or three ticks now and then; every further frame is heard as a
longer pause before each answer."""
MAX_LATE_TICKS: Final = 2
MAX_HOLD_TICKS: Final = 100
"""2 s: a mark that is not reported by then does not keep back what counts as played any longer."""
MARK_FRAMES: Final = 15
"""A mark every 300 ms: so much can count as heard that was not, when the network stops. A mark and
its report cost the pod 60 us."""
MAX_QUEUED: Final = 1000
"""Asterisk's own bound; it drops what comes on top, and the model its oldest."""
MAX_MARKS: Final = 16
"""Set and not reported; the oldest beyond these is forgotten."""


class Playback:
    """The queue of one call; see the module for its rules."""

    def __init__(self, send_ahead: int = SEND_AHEAD) -> None:
        self._send_ahead = send_ahead
        self._queue: deque[tuple[bytes | None, int]] = deque()
        """Frames and their numbers, from 1; None for what left so long ago that it is not kept."""
        self._gone: deque[tuple[bytes | None, int]] = deque(maxlen=MAX_HOLD_TICKS)
        """The latest that have left, by this model."""
        self._given = 0
        self._ticks = 0
        self._marks: dict[int, int | None] = {}
        """By the number of the frame behind the mark: in which tick that frame left."""
        self._frames_to_mark = 0
        self._doubt = 0
        """Frames by which the last report deviated, if it has not led to a correction."""
        self._left = 0
        """The number of the last frame that has left, of those given; silence has none."""
        self._certain = 0
        self._doubtful_until = 0
        """The tick from which on a report that was late is forgotten."""

    @property
    def frames_played(self) -> int:
        """The number of the last frame that has certainly left."""
        return self._certain

    @property
    def frames_needed(self) -> int:
        """Frames to send in this tick, at least one."""
        return max(self._send_ahead - len(self._queue), 0) + 1

    @property
    def ahead(self) -> bool:
        """More is queued than should be: a frame without sound is better left out."""
        return len(self._queue) > self._send_ahead

    @property
    def mark_due(self) -> bool:
        """The next frame needs a mark in front of it."""
        return self._frames_to_mark == 0

    @property
    def next_mark(self) -> str:
        """The name of a mark in front of the next frame: that frame's number."""
        return str(self._given + 1)

    def push(self, frame: bytes, *, marked: bool) -> None:
        """The next frame was sent, behind a mark or not."""
        self._given += 1
        if len(self._queue) == MAX_QUEUED:
            self._pop()
        self._queue.append((frame, self._given))
        if not marked:
            self._frames_to_mark = max(self._frames_to_mark - 1, 0)
            return
        self._frames_to_mark = MARK_FRAMES - 1
        self._marks[self._given] = None
        if len(self._marks) > MAX_MARKS:
            del self._marks[next(iter(self._marks))]

    def leave_out(self) -> None:
        """The next frame was not sent: it has no sound, or it could not leave."""
        self._given += 1

    def tick(self) -> bytes | None:
        """The frame that leaves in this tick; None if Asterisk has none, and plays silence."""
        self._ticks += 1
        frame = self._pop() if self._queue else None
        self._settle()
        return frame

    def flush(self) -> None:
        """Asterisk has discarded all that was queued."""
        self._queue.clear()
        self._gone.clear()
        self._start_anew()
        # What is in doubt now stays so: it may have been discarded.
        self._left = self._certain

    def marked(self, mark: str) -> int:
        """Asterisk reports `mark`; any text will do.

        Returns:
            Frames by which the queue turned out deeper (positive) or shallower (negative).
        """
        number = next((frame for frame in self._marks if str(frame) == mark), None)
        if number is None:
            return 0
        deviation = self._deviation(number, self._marks.pop(number))
        doubt, self._doubt = self._doubt, deviation
        self._doubtful_until = self._ticks + MAX_HOLD_TICKS
        if deviation * doubt <= 0:
            if deviation:
                self._frames_to_mark = 0
            return 0
        frames = min(deviation, doubt, key=abs)
        return self._hold(frames) if frames > 0 else -self._hurry(-frames)

    def _settle(self) -> None:
        """Count what has left as played, up to the first mark whose report is overdue."""
        if self._doubt > 0 and self._ticks < self._doubtful_until:
            return
        for number, left_at in self._marks.items():
            if left_at is None:
                break
            if MAX_LATE_TICKS < self._ticks - left_at <= MAX_HOLD_TICKS:
                self._certain = max(self._certain, number - 1)
                return
        self._certain = max(self._certain, self._left)

    def _deviation(self, number: int, left_at: int | None) -> int:
        """Frames by which the queue seems deeper, from a mark that is reported now."""
        if left_at is None:
            return -1 - self._frames_to(number)
        late = self._ticks - left_at
        return late - 1 if late > MAX_LATE_TICKS else 0

    def _frames_to(self, number: int) -> int:
        """How many frames leave until `number` has."""
        return 1 + [queued for _, queued in self._queue].index(number)

    def _hurry(self, frames: int) -> int:
        frames = min(frames, len(self._queue))
        for _ in range(frames):
            self._pop()
        self._start_anew()
        return frames

    def _hold(self, frames: int) -> int:
        frames = min(frames, MAX_QUEUED - len(self._queue))
        kept = min(frames, len(self._gone))
        self._queue.extendleft(self._gone.pop() for _ in range(kept))
        self._left = next((number - 1 for _, number in self._queue if number), self._left)
        self._queue.extendleft([(None, 0)] * (frames - kept))
        self._start_anew()
        return frames

    def _pop(self) -> bytes | None:
        frame, number = self._queue.popleft()
        self._gone.append((frame, number))
        if frame is not None:
            self._left = number
            if number in self._marks:
                self._marks[number] = self._ticks
        return frame

    def _start_anew(self) -> None:
        """Marks set so far say nothing any more; the next frame gets one."""
        self._marks.clear()
        self._doubt = 0
        self._frames_to_mark = 0
