"""How events reach their subscribers: in order, on one thread, never on the clock's.

A subscriber that raises is logged and does not keep the others from the event. One that is slow
delays the subscribers, not the calls: `publish` appends to a queue and returns. The queue has a
bound; a subscriber that blocks for so long that it is full costs events, which are counted.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from media_pod.call.events import CallRef, Event

MAX_QUEUED: Final = 10_000
"""Some ten seconds of a pod with 200 calls, each with a few events a second."""

Subscriber = Callable[[CallRef, Event], None]

_logger = logging.getLogger(__name__)


def steady_clock() -> Callable[[], int]:
    """Nanoseconds since 1970, as of now by the system's clock and from now on without its steps."""
    offset_ns = time.time_ns() - time.monotonic_ns()
    return lambda: offset_ns + time.monotonic_ns()


class EventBus:
    """The events of one pod's calls.

    Args:
        now_ns: nanoseconds since 1970.
        on_drop: called for each event that finds the queue full.
        max_queued: events that may wait.
    """

    def __init__(
        self,
        now_ns: Callable[[], int],
        on_drop: Callable[[], None] = lambda: None,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        self.now_ns = now_ns
        self._on_drop = on_drop
        self._max_queued = max_queued
        self._queue: queue.SimpleQueue[tuple[CallRef, Event] | threading.Event | None] = (
            queue.SimpleQueue()
        )
        self._subscribers: tuple[Subscriber, ...] = ()
        self._thread: threading.Thread | None = None
        self._closed = False

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have `subscriber` called with every event from now on, on the bus's thread."""
        self._subscribers += (subscriber,)

    def publish(self, call: CallRef, event: Event) -> None:
        """Hand `event` to the subscribers; never blocks, never raises. For the loop's thread."""
        if self._closed or self._queue.qsize() >= self._max_queued:
            self._on_drop()
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name="call events", daemon=True)
            self._thread.start()
        self._queue.put((call, event))

    def flush(self, deadline_s: float) -> bool:
        """Wait until all that was published so far is delivered; whether it was in time. Blocks."""
        if self._thread is None:
            return True
        reached = threading.Event()
        self._queue.put(reached)
        return reached.wait(deadline_s)

    def close(self, deadline_s: float) -> None:
        """Deliver what waits, for at most `deadline_s` seconds, and stop. Blocks."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(deadline_s)
            if thread.is_alive():
                _logger.error("call events: subscribers took none for %g s", deadline_s)

    def _deliver(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            for subscriber in self._subscribers:
                try:
                    subscriber(*item)
                except Exception:  # the edge at which a subscriber's bug stops
                    _logger.exception(
                        "a subscriber of call events failed at %s", type(item[1]).__name__
                    )
