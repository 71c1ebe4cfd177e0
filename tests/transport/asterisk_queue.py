"""Asterisk's queue of one call and the network before it, on virtual time.

What is sent arrives in order, a delay later, and an outage holds everything back until it is over.
A timer takes one frame per period; marks in front of it are reported, a delay later too.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from media_pod.transport.websocket.playback import Playback

TICK_MS = 20.0


@dataclass
class AsteriskQueue:
    """The queue and its timer, which first fires at `phase_ms`."""

    phase_ms: float
    period_ms: float = TICK_MS
    delay_ms: float = 0.3
    report_delay_ms: float = 0.3
    queue: deque[bytes | int] = field(default_factory=deque)
    """Rows and marks."""
    left: list[tuple[float, bytes]] = field(default_factory=list)
    """Each frame that has left, and when."""
    dry: list[float] = field(default_factory=list)
    """When the timer found no frame."""
    timer_ticks: int = 0
    under_way: deque[tuple[float, bytes | int | None]] = field(default_factory=deque)
    reports: deque[tuple[float, int]] = field(default_factory=deque)
    outage_until_ms: float = 0.0

    def send(self, now_ms: float, *items: bytes | int | None) -> None:
        """Rows, marks, or None for a flush."""
        for item in items:
            self.under_way.append((max(now_ms + self.delay_ms, self.outage_until_ms), item))

    def run(self, now_ms: float) -> None:
        """Let everything happen that happens until `now_ms`."""
        while (due := self.phase_ms + self.timer_ticks * self.period_ms) <= now_ms:
            self._arrive(due)
            self.timer_ticks += 1
            self._fire(due)
        self._arrive(now_ms)

    def reported(self, now_ms: float) -> Iterator[int]:
        """The marks whose reports have come by now."""
        while self.reports and self.reports[0][0] <= now_ms:
            yield self.reports.popleft()[1]

    def _arrive(self, now_ms: float) -> None:
        while self.under_way and self.under_way[0][0] <= now_ms:
            item = self.under_way.popleft()[1]
            if item is None:
                self.queue.clear()
            else:
                self.queue.append(item)

    def _fire(self, now_ms: float) -> None:
        while self.queue:
            item = self.queue.popleft()
            if isinstance(item, bytes):
                self.left.append((now_ms, item))
                return
            at_ms = max(now_ms + self.report_delay_ms, self.outage_until_ms)
            self.reports.append((at_ms, item))
        self.dry.append(now_ms)


class Played:
    """A pod that sends numbered frames into the queue by its model of it, tick by tick."""

    def __init__(self, queue: AsteriskQueue, model: Playback, gather_ms: float = 1.0) -> None:
        self.queue = queue
        self.model = model
        self.gather_ms = gather_ms
        self.tick_number = 0
        self.modelled: dict[bytes, int] = {}
        """In which tick the model let each frame go."""
        self.corrections: list[int] = []

    @property
    def now_ms(self) -> float:
        return self.tick_number * TICK_MS

    def tick(self, *, sound: bool = True) -> None:
        """One tick of the pod: write, let the model play, read the reports."""
        self.queue.run(self.now_ms)
        for _ in range(self.model.frames_needed):
            self._send(sound)
        self._pass()
        read_ms = self.now_ms + self.gather_ms
        self.queue.run(read_ms)
        self.corrections += filter(
            None, map(self.model.marked, map(str, self.queue.reported(read_ms)))
        )
        self.tick_number += 1

    def skip(self, ticks: int) -> None:
        """The pod is late by so much."""
        for _ in range(ticks):
            self._pass()
            self.tick_number += 1

    def flush(self) -> None:
        self.queue.send(self.now_ms - TICK_MS + self.gather_ms, None)
        self.model.flush()

    def errors_ms(self) -> list[float]:
        """For each frame that has left both: how long after the beginning of the model's tick."""
        return [
            at_ms - self.modelled[frame] * TICK_MS
            for at_ms, frame in self.queue.left
            if frame in self.modelled
        ]

    def _send(self, sound: bool) -> None:
        number = int(self.model.next_mark)
        if not sound and self.model.ahead:
            self.model.leave_out()
            return
        frame = number.to_bytes(4, "big")
        marked = self.model.mark_due
        self.queue.send(self.now_ms, *([number] if marked else []), frame)
        self.model.push(frame, marked=marked)

    def _pass(self) -> None:
        frame = self.model.tick()
        if frame is not None:
            self.modelled[frame] = self.tick_number


def in_time(errors_ms: list[float]) -> None:
    """The model let every frame go in its own tick, or in one beside it."""
    assert errors_ms
    assert min(errors_ms) > -1.25 * TICK_MS
    assert max(errors_ms) < 2.25 * TICK_MS


@pytest.fixture
def steady() -> Played:
    """A pod and an Asterisk whose timers run alike, half a tick apart."""
    return Played(AsteriskQueue(phase_ms=10.0), Playback())
