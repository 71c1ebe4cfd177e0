"""The clock with a line that has a queue of its own: what is sent, played, and made up for."""

import socket
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest

from asterisk_web_socket import START, WebSocketAsterisk
from media_pod.call.call import Call
from media_pod.calls.registry import Leg
from media_pod.pod.clock import TICK_S, PodClock
from media_pod.providers.ports import Pcm
from media_pod.telemetry.metrics import Metrics
from media_pod.transport.reframing import CallerStream
from media_pod.transport.socket import CallSocket
from media_pod.transport.websocket.playback import SEND_AHEAD
from media_pod.transport.websocket.protocol import WebSocketProtocol
from pod.doubles import SAMPLES, SLOTS, Bank, Talk, Watch


class Counting(Talk):
    """Says the number of each of its frames; flushes at the digit 1."""

    def __init__(self, log: list[str], connection: CallSocket) -> None:
        super().__init__(0, log)
        self.connection = connection
        self.said = 0
        self.played_counts: list[int | None] = []
        self.times = 0

    def frame(self, played: int | None = None) -> Pcm:
        self.times += 1
        return super().frame(played)

    def more(self, played: int | None) -> Pcm:
        self.played_counts.append(played)
        self.said += 1
        return np.full(SAMPLES, self.said, np.int16)

    def digit(self, digit: str) -> None:
        super().digit(digit)
        self.connection.flush()


class Queued:
    """A clock with one call over WebSocket."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.bank = Bank(self.log)
        self.watch = Watch()
        self.ended: list[Leg] = []
        self.legs: dict[int, Leg] = {}
        self.clock = PodClock(
            self.bank,
            self.legs,
            Metrics(SLOTS, "desk", drain_timeout_s=900).ticks,
            self.watch,
            self._on_end,
            lambda leg: None,
        )
        near, self.sock = socket.socketpair()
        self.sock.settimeout(5)
        self.asterisk = WebSocketAsterisk("9f1c1d0e-7a8b-4c3d-8e9f-001122334455")
        protocol = WebSocketProtocol(8000, "peer")
        self.connection = CallSocket(near, protocol, lambda connection: None)
        protocol.receive_hello(self.asterisk.request())
        self.connection.accept()
        self.asterisk.take(self.sock.recv(4096))
        self.talk = Counting(self.log, self.connection)
        call, stream = cast(Call, self.talk), CallerStream(8000)
        self.legs[0] = Leg(0, self.connection, call, stream)
        self.clock.join(self.legs[0])

    def _on_end(self, leg: Leg) -> None:
        del self.legs[leg.slot]
        self.ended.append(leg)

    def says(self, *messages: dict[str, object] | bytes) -> None:
        self.sock.sendall(self.asterisk.says(*messages))

    def tick(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.watch.now_s += TICK_S
            self.clock.tick()

    def got(self) -> list[int]:
        """The value of each frame that Asterisk has received since the last call."""
        self.asterisk.frames.clear()
        self.asterisk.take(self.sock.recv(1 << 20))
        frames = [np.frombuffer(samples, "<i2") for samples in self.asterisk.frames]
        assert all(frame.size == SAMPLES and np.ptp(frame) == 0 for frame in frames)
        return [int(frame[0]) for frame in frames]

    def played(self) -> list[int]:
        """What the bank got as played audio, tick by tick."""
        return [int(audio[0, 0]) for audio in self.bank.played]


@pytest.fixture
def queued() -> Iterator[Queued]:
    queued = Queued()
    yield queued
    queued.sock.close()
    queued.connection.close()


def started(queued: Queued, ticks: int) -> None:
    """Past MEDIA_START, which is read in a tick of its own."""
    queued.says(START)
    queued.tick(2)
    queued.says({"event": "MEDIA_MARK_PROCESSED", "correlation_id": "1"})
    queued.tick(ticks - 1)
    queued.got()
    queued.bank.played.clear()


def test_nothing_is_asked_of_the_call_before_media_start(queued: Queued) -> None:
    queued.tick(3)
    queued.says(START)
    queued.tick()

    assert queued.talk.said == 0
    assert queued.played() == [0, 0, 0, 0]


def test_the_first_tick_fills_the_queue_and_the_bank_gets_what_leaves_it(queued: Queued) -> None:
    queued.says(START)
    queued.tick(4)

    assert queued.got() == [*range(1, SEND_AHEAD + 2), SEND_AHEAD + 2, SEND_AHEAD + 3]
    assert queued.played() == [0, 1, 2, 3]
    assert queued.talk.times == 3
    # The last tick's own frame leaves during the tick: it counts from the next one on.
    assert queued.talk.played_counts == [0] * (SEND_AHEAD + 1) + [1, 2]


@pytest.mark.parametrize("late", range(1, SEND_AHEAD + 1))
def test_a_stall_shorter_than_the_queue_is_not_heard(queued: Queued, late: int) -> None:
    started(queued, 10)
    said = queued.talk.said
    queued.clock.skip(late)
    queued.tick(2)

    assert queued.got() == list(range(said + 1, said + late + 3))
    assert queued.played() == list(range(11, 11 + late + 2))
    assert (queued.talk.skipped, queued.talk.times) == (late, 12)


def test_a_report_from_the_middle_of_a_stall_is_no_surprise(queued: Queued) -> None:
    started(queued, 1)
    while len(queued.asterisk.commands) < 2:
        queued.tick()
        queued.got()
    mark = int(queued.asterisk.commands[-1].split()[1])
    while (queued.connection.frames_played or 0) < mark - 3:
        queued.tick()

    queued.says({"event": "MEDIA_MARK_PROCESSED", "correlation_id": str(mark)})
    queued.clock.skip(3)

    assert queued.connection.frames_played == mark
    assert queued.connection.frames_needed == 1 + 3
    queued.tick()
    queued.got()
    assert len(queued.asterisk.commands) == 2, "nothing is doubted"


def test_after_a_longer_stall_the_queue_is_dry_and_is_filled_again(queued: Queued) -> None:
    started(queued, 10)
    said = queued.talk.said
    queued.clock.skip(SEND_AHEAD + 1)
    queued.tick()

    assert queued.played() == [11, 12, 13, 14, 0, 15]
    assert queued.got() == list(range(said + 1, said + SEND_AHEAD + 2))


def test_a_digit_flushes_in_its_own_tick_and_the_next_one_fills_the_queue(queued: Queued) -> None:
    started(queued, 10)
    queued.asterisk.log.clear()
    queued.says({"event": "DTMF_END", "digit": "1"})
    queued.tick()
    frames = queued.got()

    assert queued.asterisk.log == ["frame", "FLUSH_MEDIA"]
    assert queued.talk.digits == "1"
    assert queued.played() == [11]

    queued.tick()
    assert queued.got() == list(range(frames[-1] + 1, frames[-1] + SEND_AHEAD + 2))
    assert queued.played() == [11, frames[-1] + 1]


def test_a_call_that_raises_while_it_makes_up_is_ended(queued: Queued) -> None:
    started(queued, 5)
    queued.clock.skip(2)
    queued.talk.raises_in = "frame"
    queued.tick()

    assert [leg.failed for leg in queued.ended] == [True]
    assert not queued.legs
