"""Doubles around the pod's clock: a bank that records, calls that count, real sockets."""

import socket
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from media_pod.call.call import Call
from media_pod.call.inputs import CallerTick
from media_pod.calls.registry import Leg
from media_pod.dialogues.ports import CallInfo
from media_pod.duplex.contract import Decision, DuplexBank, Reason, Step
from media_pod.pod.clock import TICK_S, PodClock
from media_pod.providers.ports import Pcm
from media_pod.telemetry.metrics import Metrics
from media_pod.transport.audiosocket.frames import Decoder, Frame, FrameKind, encode
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import LineEvent
from media_pod.transport.reframing import CallerStream
from media_pod.transport.socket import CallSocket

SLOTS = 3

SAMPLES = 160


class Bank(DuplexBank):
    """Records its input; `decision` is what it decides for every open slot."""

    slots, rate = SLOTS, 8000

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.open_slots: set[int] = set()
        self.caller: list[Pcm] = []
        self.played: list[Pcm] = []
        self.decision = Decision.NONE
        self.why: dict[int, tuple[tuple[str, float], ...]] = {}
        self.broken = False

    def open(self, slot: int, phase: int = 0) -> None:
        self.open_slots.add(slot)

    def close(self, slot: int) -> None:
        self.open_slots.discard(slot)

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        if self.broken:
            raise ValueError("the bank is broken")
        self.log.append("step")
        self.caller.append(caller.copy())
        self.played.append(played.copy())
        numbers = np.zeros(SLOTS, np.float32)
        return Step(
            cleaned=caller.copy(),
            speech=numbers + 0.25,
            decision=np.full(SLOTS, self.decision, np.int8),
            delay_ms=numbers + 120,
            delay_confidence=numbers + 0.75,
            erle_db=numbers + 15,
            reason=np.full(SLOTS, Reason.SPEECH_OVER_ECHO, np.int8),
            why=self.why,
        )


class Talk:
    """In place of a `Call`: says its slot's number, and raises where the test wants it."""

    def __init__(self, slot: int, log: list[str]) -> None:
        self.info = CallInfo(f"call-{slot}")
        self.slot = slot
        self.log = log
        self.heard: list[CallerTick] = []
        self.digits = ""
        self.skipped = 0
        self.over = False
        self.hang_up_reason = "the conversation is over"
        self.raises_in = ""

    def frame(self, played: int | None = None) -> Pcm:
        self._raise_in("frame")
        return self.more(played)

    def more(self, played: int | None) -> Pcm:
        return np.full(SAMPLES, self.slot + 1, np.int16)

    def sent(self, *, accepted: bool) -> None:
        pass

    def skip(self, ticks: int) -> None:
        self.skipped += ticks

    def hear(self, tick: CallerTick) -> None:
        self._raise_in("hear")
        self.heard.append(tick)

    def digit(self, digit: str) -> None:
        self._raise_in("digit")
        self.digits += digit

    def _raise_in(self, method: str) -> None:
        self.log.append(method)
        if self.raises_in == method:
            raise RuntimeError("a bug of this call")


class Logged(CallSocket):
    """A real connection that notes when it is used."""

    def __init__(self, sock: socket.socket, log: list[str]) -> None:
        super().__init__(sock, AudioSocketProtocol(8000, "peer"), lambda connection: None)
        self.log = log

    def send(self, frame: bytes | memoryview) -> bool:
        self.log.append("send")
        return super().send(frame)

    def read(self, now: float) -> Sequence[LineEvent]:
        self.log.append("read")
        return super().read(now)


class Caller:
    """One call: its leg of the clock, and the socket at Asterisk's end."""

    def __init__(self, slot: int, log: list[str]) -> None:
        near, self.sock = socket.socketpair()
        self.sock.setblocking(False)
        self.connection = Logged(near, log)
        self.talk = Talk(slot, log)
        self._decoder = Decoder()

    def says(self, *frames: Frame) -> None:
        self.sock.sendall(b"".join(map(encode, frames)))

    def hears(self) -> list[Frame]:
        """All that has come since it was asked last."""
        try:
            return self._decoder.feed(self.sock.recv(1 << 20))
        except BlockingIOError:
            return []


class Watch:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Stage:
    """A clock with its doubles."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.bank = Bank(self.log)
        self.watch = Watch()
        self.metrics = Metrics(SLOTS, "desk", drain_timeout_s=900)
        self.ended: list[Leg] = []
        self.callers: list[Caller] = []
        self.seen: list[tuple[list[int], Pcm, Pcm, Step]] = []
        self.legs: dict[int, Leg] = {}
        self.clock = PodClock(
            self.bank,
            self.legs,
            self.metrics.ticks,
            self.watch,
            self._on_end,
            self._on_hang_up,
            tap=self,
        )

    def call(self) -> Caller:
        caller = Caller(len(self.callers), self.log)
        self.callers.append(caller)
        self.join(caller)
        return caller

    def join(self, caller: Caller) -> None:
        slot = caller.talk.slot
        call, stream = cast(Call, caller.talk), CallerStream(self.bank.rate)
        self.legs[slot] = Leg(slot, caller.connection, call, stream)
        self.clock.join(self.legs[slot])

    def tick(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.watch.now_s += TICK_S
            self.clock.tick()

    def step(self, legs: dict[int, Leg], caller: Pcm, played: Pcm, step: Step) -> None:
        self.seen.append((list(legs), caller.copy(), played.copy(), step))

    def metric(self, name: str) -> float:
        text = b"".join(self.metrics.page("")[0]).decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        )

    def close(self) -> None:
        for caller in self.callers:
            caller.sock.close()
            caller.connection.close()

    def _on_end(self, leg: Leg) -> None:
        self.log.append("on_end")
        assert leg.slot not in self.bank.open_slots
        del self.legs[leg.slot]
        self.ended.append(leg)

    def _on_hang_up(self, leg: Leg) -> None:
        self.log.append("on_hang_up")
        assert leg.connection.ended is None, "the connection ended before on_hang_up"


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def slin(value: int, samples: int = SAMPLES) -> Frame:
    return Frame(FrameKind.SLIN, np.full(samples, value, "<i2").tobytes())


def values(frames: list[Frame]) -> list[int]:
    """The value of each frame of 20 ms, all of whose samples must be the same."""
    pcm = [np.frombuffer(frame.payload, "<i2") for frame in frames]
    assert all(frame.kind is FrameKind.SLIN and frame.payload for frame in frames)
    assert all(audio.size == SAMPLES and np.ptp(audio) == 0 for audio in pcm)
    return [int(audio[0]) for audio in pcm]
