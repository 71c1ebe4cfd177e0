"""A peer that does not read: what the socket refuses is not heard, not played, and sent later."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterisk_web_socket import START
from media_pod.call.playout import Playout
from media_pod.providers.ports import Pcm, Speech, Word
from pod.doubles import SAMPLES, Caller, Stage, Talk
from pod.test_clock_queued import Queued

WORDS = 600
TICKS = 240

unread_ticks = st.lists(st.integers(0, 220), min_size=1, max_size=4)
"""How long the peer reads nothing, each time before it reads all that is there."""


def reading(unread: list[int]) -> list[bool]:
    """Whether the peer reads, tick by tick."""
    return [reads for ticks in unread for reads in (*[False] * ticks, True)]


class Speaker(Talk):
    """Says numbered words of 20 ms from a real playout."""

    def __init__(self, log: list[str]) -> None:
        super().__init__(0, log)
        self.playout = Playout(8000, SAMPLES)
        ends = range(SAMPLES, (WORDS + 1) * SAMPLES, SAMPLES)
        words = tuple(Word(f"w{n}", end - SAMPLES, end) for n, end in enumerate(ends, 1))
        pcm = np.repeat(np.arange(1, WORDS + 1, dtype=np.int16), SAMPLES)
        self.playout.add(Speech(" ".join(word.text for word in words), pcm, words))

    def more(self, played: int | None) -> Pcm:
        return self.playout.take(played)

    def sent(self, *, accepted: bool) -> None:
        self.playout.sent(accepted=accepted)

    def heard_words(self) -> list[int]:
        return [int(word[1:]) for word in self.playout.said().heard.split()]


@dataclass
class Blocked:
    """A call whose peer reads now and then."""

    stage: Stage
    caller: Caller
    talk: Speaker
    received: list[int]

    def tick(self, *, reads: bool) -> None:
        self.stage.tick()
        if reads:
            self.read()

    def read(self) -> None:
        frames = [np.frombuffer(frame.payload, "<i2") for frame in self.caller.hears()]
        assert all(np.ptp(frame) == 0 for frame in frames)
        self.received += [int(frame[0]) for frame in frames]


def blocked() -> Iterator[Blocked]:
    stage = Stage()
    caller = Caller(0, stage.log)
    caller.talk = talk = Speaker(stage.log)
    stage.callers.append(caller)
    stage.join(caller)
    yield Blocked(stage, caller, talk, [])
    stage.close()


@pytest.fixture
def line() -> Iterator[Blocked]:
    yield from blocked()


def test_frames_that_a_peer_never_takes_are_not_heard(line: Blocked) -> None:
    for _ in range(TICKS):
        line.tick(reads=False)
    heard = line.talk.heard_words()
    assert line.caller.connection.dropped_frames > 0
    line.read()

    assert heard == [number for number in line.received if number]
    assert line.talk.playout.heard_ms == 20 * len(heard)
    assert f"w{len(heard) + 1}" == line.talk.playout.said().unheard.split()[0]


def test_the_canceller_gets_silence_for_a_frame_that_never_left(line: Blocked) -> None:
    for _ in range(TICKS):
        line.tick(reads=False)
    line.read()

    played = [int(rows[0, 0]) for rows in line.stage.bank.played]
    assert [number for number in played if number] == [n for n in line.received if n]
    assert not line.stage.bank.played[-1].any()


def test_speech_goes_on_where_it_broke_off_once_the_peer_reads_again(line: Blocked) -> None:
    for tick in range(TICKS):
        line.tick(reads=tick > TICKS - 20)
    line.read()

    heard = line.talk.heard_words()
    assert heard == line.received == list(range(1, len(heard) + 1))
    assert line.caller.connection.dropped_frames == TICKS - len(heard) > 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(unread_ticks)
def test_no_more_is_heard_than_the_peer_could_have_received(unread: list[int]) -> None:
    for line in blocked():
        for reads in reading(unread):
            line.tick(reads=reads)
        heard = line.talk.heard_words()
        played = [int(rows[0, 0]) for rows in line.stage.bank.played]
        line.read()

        received = [number for number in line.received if number]
        assert heard == received == [number for number in played if number]
        assert line.talk.playout.heard_ms == 20 * len(received)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(unread_ticks)
def test_over_websocket_no_more_is_heard_than_has_been_received(unread: list[int]) -> None:
    queued = Queued()
    try:
        talk = Speaker(queued.log)
        queued.legs[0].call = talk  # type: ignore[assignment]
        queued.says(START)
        queued.tick(2)
        received = queued.got()
        for reads in reading(unread):
            queued.tick()
            if reads:
                received += queued.got()
        queued.tick()
        heard = talk.heard_words()
        received += queued.got()
        sound = [number for number in received if number]
        assert sound == list(range(1, len(sound) + 1)), "each once, in order"
        assert len(heard) <= len(sound)
        assert heard == sound[: len(heard)]
    finally:
        queued.sock.close()
        queued.connection.close()
