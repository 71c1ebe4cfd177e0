"""Subscribers that raise, block or are slow cost their own events, never the clock's time."""

import threading
from collections.abc import Iterator

import pytest

from media_pod.call.event_bus import EventBus, Subscriber
from media_pod.call.events import CallRef, DrainStarted, Event, HungUp
from media_pod.dialogues.ports import CallInfo

CALL = CallRef(CallInfo("6ba7b810-9dad-11d1-80b4-00c04fd430c8"))
BUS_S = 5.0


class Bus:
    """A bus, and how many of its events were dropped."""

    def __init__(self, *subscribers: Subscriber) -> None:
        self.dropped = 0
        self.bus = EventBus(lambda: 0, self._drop, max_queued=3)
        for subscriber in subscribers:
            self.bus.subscribe(subscriber)

    def _drop(self) -> None:
        self.dropped += 1


class Kept:
    """A subscriber that keeps what it receives; waits for `go` first."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.thread: threading.Thread | None = None
        self.go = threading.Event()
        self.go.set()

    def __call__(self, call: CallRef, event: Event) -> None:
        assert self.go.wait(BUS_S)
        assert call is CALL
        self.thread = threading.current_thread()
        self.events.append(event)


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.go.set()


def test_events_arrive_in_order_on_a_thread_of_their_own(kept: Kept) -> None:
    bus = Bus(kept).bus
    sent = [DrainStarted(1), HungUp(2, "16"), DrainStarted(3)]
    for event in sent:
        bus.publish(CALL, event)
    assert bus.flush(BUS_S)
    assert kept.events == sent
    assert kept.thread is not threading.current_thread()
    bus.close(BUS_S)


def test_a_subscriber_that_raises_keeps_nothing_from_the_others_and_is_logged(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: CallRef, event: Event) -> None:
        raise RuntimeError("out of order")

    bus = Bus(broken, kept).bus
    bus.publish(CALL, HungUp(1, "secret"))
    bus.publish(CALL, HungUp(2, "secret"))
    assert bus.flush(BUS_S)
    assert len(kept.events) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "a subscriber of call events failed at HungUp"
    ] * 2
    assert "secret" not in caplog.text
    bus.close(BUS_S)


def test_a_slow_subscriber_delays_nobody_who_publishes_and_its_queue_has_a_bound(
    kept: Kept,
) -> None:
    made = Bus(kept)
    kept.go.clear()
    for number in range(10):
        made.bus.publish(CALL, DrainStarted(number))  # would never return if it waited
    assert not kept.events
    assert not made.bus.flush(0.01)
    kept.go.set()
    assert made.bus.flush(BUS_S)
    assert len(kept.events) + made.dropped == 10
    assert made.dropped >= 6
    made.bus.close(BUS_S)


def test_what_was_published_is_delivered_before_the_end_and_nothing_after(kept: Kept) -> None:
    made = Bus(kept)
    made.bus.publish(CALL, DrainStarted(1))
    made.bus.close(BUS_S)
    assert kept.events == [DrainStarted(1)]
    made.bus.publish(CALL, DrainStarted(2))
    assert made.bus.flush(BUS_S)
    assert kept.events == [DrainStarted(1)]
    assert made.dropped == 1
    assert kept.thread is not None
    assert not kept.thread.is_alive()


def test_a_subscriber_that_blocks_for_ever_does_not_hold_up_the_end(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus(kept).bus
    kept.go.clear()
    bus.publish(CALL, DrainStarted(1))
    bus.close(0.01)
    assert "subscribers took none for 0.01 s" in caplog.text
