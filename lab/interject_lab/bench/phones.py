"""The phones of the tick bench, as a separate process on a separate core.

Every phone sends a frame of 20 ms per tick of its own clock: the echo of the audio that it played
60 to 600 ms ago, 12 dB down, some noise, and on every second phone a caller who speaks half of the
time. A quarter of the phones ticks every 5 ms, because real phones are not synchronized. Reads the
pod's port from standard input, and prints one JSON line: the regularity of the bot's frames.
"""

import json
import os
import selectors
import socket
import sys
import time
from collections import deque
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from interject_lab.material import synthetic
from media_pod.duplex.contract import TICK_MS
from media_pod.pod.runtime import keep_memory
from media_pod.transport.audiosocket.frames import Decoder, Frame, FrameKind, encode

RATE_HZ: Final = 8000
GROUPS: Final = 4
GAP_MS: Final = 40.0
"""A longer interval between two frames is a gap that a jitter buffer must bridge."""
_TICK: Final = RATE_HZ * TICK_MS // 1000
_BUFFER_FRAMES: Final = 2
_MAX_BUFFER_FRAMES: Final = 25
_HISTORY_TICKS: Final = 64
_LAG_TICKS: Final = (3, 30)
_ECHO_GAIN: Final = 10 ** (-12 / 20)
_NOISE_RMS: Final = 18.0
"""-65 dBov."""
_TALK_PAUSE_S: Final = 1.7
_READ_BYTES: Final = 65_536


class BenchPhones:
    """All phones.

    Args:
        port: of the pod's AudioSocket, on this machine.
        count: number of phones.
        talk: `speech_frames()`, synthesized before the phones connect: the pod starts to measure
            when all have connected.
    """

    def __init__(self, port: int, count: int, talk: NDArray[np.float32]) -> None:
        self._talk = talk
        rng = np.random.default_rng(count)
        self._count = count
        self._sockets = [_connected(port, index) for index in range(count)]
        self._decoders = [Decoder() for _ in range(count)]
        self._buffers: list[deque[bytes]] = [deque(maxlen=_MAX_BUFFER_FRAMES) for _ in range(count)]
        self._playing = [False] * count
        self._arrived_s: list[list[float]] = [[] for _ in range(count)]
        self._open = count
        self._ticks = 0
        self._heard = np.zeros((_HISTORY_TICKS, count, _TICK), np.float32)
        self._lags = np.linspace(*_LAG_TICKS, count).round().astype(np.int64)
        self._starts = rng.integers(len(self._talk), size=count)
        self._noise = (rng.standard_normal((257, _TICK)) * _NOISE_RMS).astype(np.float32)
        self._selector = selectors.DefaultSelector()
        for index, sock in enumerate(self._sockets):
            self._selector.register(sock, selectors.EVENT_READ, index)

    def run(self, from_s: float, until_s: float) -> dict[str, Any]:
        """Call until the pod hangs up; the statistics between the two times, in s from now."""
        started_s = time.monotonic()
        step_s = TICK_MS / 1000 / GROUPS
        steps = 0
        deadline_s = started_s + until_s + 30
        while self._open and time.monotonic() < deadline_s:
            due_s = started_s + steps * step_s
            self._read(due_s)
            self._send(steps % GROUPS)
            steps += 1
        for sock in self._sockets:
            sock.close()
        self._selector.close()
        return self._regularity(started_s + from_s, started_s + until_s)

    def _read(self, due_s: float) -> None:
        """Receive until `due_s`."""
        while True:
            left_s = due_s - time.monotonic()
            for key, _ in self._selector.select(max(left_s, 0)):
                self._receive(key.data)
            if left_s <= 0 or not self._open:
                return

    def _receive(self, index: int) -> None:
        try:
            data = self._sockets[index].recv(_READ_BYTES)
        except ConnectionError:
            data = b""
        now_s = time.monotonic()
        for frame in self._decoders[index].feed(data):
            if frame.rate_hz:
                self._buffers[index].append(frame.payload)
                self._arrived_s[index].append(now_s)
            elif frame.kind is FrameKind.HANGUP:
                data = b""
        if not data:
            self._selector.unregister(self._sockets[index])
            self._sockets[index].close()
            self._open -= 1

    def _send(self, group: int) -> None:
        """One tick of a quarter of the phones."""
        rows = np.arange(group, self._count, GROUPS)
        now = self._ticks % _HISTORY_TICKS
        for index in rows:
            self._heard[now, index] = self._play(int(index))
        sound = self._heard[(self._ticks - self._lags[rows]) % _HISTORY_TICKS, rows] * _ECHO_GAIN
        sound += self._noise[(self._ticks * 7 + rows) % len(self._noise)]
        talkers = rows % 2 == 1
        places = (self._starts[rows[talkers]] + self._ticks) % len(self._talk)
        sound[talkers] += self._talk[places]
        payloads = np.clip(sound, -32768, 32767).astype("<i2")
        for index, payload in zip(rows, payloads, strict=True):
            self._send_one(int(index), encode(Frame(FrameKind.SLIN, payload.tobytes())))
        if group == GROUPS - 1:
            self._ticks += 1

    def _play(self, index: int) -> NDArray[np.int16]:
        # On the phone's own ticks: an echo that jitters with arrivals exists on no line.
        buffer = self._buffers[index]
        if len(buffer) < (1 if self._playing[index] else _BUFFER_FRAMES):
            return np.zeros(_TICK, np.int16)
        self._playing[index] = True
        return np.frombuffer(buffer.popleft(), np.int16)

    def _send_one(self, index: int, frame: bytes) -> None:
        if self._sockets[index].fileno() < 0:
            return
        try:
            self._sockets[index].send(frame)
        except (BlockingIOError, ConnectionError):
            # The pod does not read, or has closed: the receiving side detects which.
            return

    def _regularity(self, from_s: float, until_s: float) -> dict[str, Any]:
        intervals_ms = np.concatenate(
            [
                np.diff([at_s for at_s in arrived_s if from_s <= at_s < until_s]) * 1000
                for arrived_s in self._arrived_s
            ]
        )
        if intervals_ms.size == 0:
            return {"frames": 0}
        p50_ms, p99_ms = np.quantile(np.abs(intervals_ms - TICK_MS), (0.5, 0.99))
        return {
            "frames": int(intervals_ms.size) + self._count,
            "frame_interval_deviation_p50_ms": float(p50_ms),
            "frame_interval_deviation_p99_ms": float(p99_ms),
            "frame_gaps": int(np.sum(intervals_ms > GAP_MS)),
        }


def call_uuid(index: int) -> UUID:
    """The call of a phone: version 4, variant 1 (RFC 9562)."""
    return UUID(int=(4 << 76) + (8 << 60) + index)


def _connected(port: int, index: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(encode(Frame(FrameKind.UUID, call_uuid(index).bytes)))
    sock.setblocking(False)
    return sock


def speech_frames() -> NDArray[np.float32]:
    """Frames [ticks, samples] of callers who speak half of the time."""
    pause = np.zeros(round(_TALK_PAUSE_S * RATE_HZ), np.int16)
    voices = synthetic.voices(RATE_HZ, "validation").callers
    phrases = [phrase for voice in voices for phrase in voice.phrases]
    sound = np.concatenate([part for phrase in phrases for part in (phrase, pause)])
    whole = sound.size // _TICK * _TICK
    return sound[:whole].reshape(-1, _TICK).astype(np.float32)


def main(count: str, from_s: str, until_s: str, cpu: str) -> None:
    """Call from one core, once the port is on standard input."""
    os.sched_setaffinity(0, {int(cpu)})
    keep_memory()
    talk = speech_frames()
    port = sys.stdin.readline()
    if not port:
        return  # the pod did not start
    phones = BenchPhones(int(port), int(count), talk)
    sys.stdout.write(json.dumps(phones.run(float(from_s), float(until_s))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
