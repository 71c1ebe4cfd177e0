"""One WebSocket of Asterisk's that the pod's clock writes and reads once per tick.

Its life before and after the states of `transport.connection`:

    Asterisk                                     pod
    GET /?uuid=...  Upgrade: websocket           `upgrade`, then 101 (`welcome`), or an HTTP error
    {"event":"MEDIA_START", ...}                 `wanted` is no longer 0: rows leave from here on
    samples, DTMF_END, MEDIA_MARK_PROCESSED      samples, MARK_MEDIA, FLUSH_MEDIA
    Close (the caller hung up)                   Close; or, first, HANGUP and Close (the bot did)

Nothing is sent between 101 and MEDIA_START: Asterisk reads the answer to its request into a buffer,
and what comes along with it stays there until more arrives, behind which every later message then
waits. Rows go around the protocol object, because the header in front of them is always the same.
"""

import logging
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from websockets.frames import Frame as Message
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State as ProtocolState

from media_pod.transport.audiosocket.frames import Frame, Kind, audio_kind
from media_pod.transport.socket import MAX_FRAMES_PER_READ, STALL_S, CallSocket, State
from media_pod.transport.websocket.messages import (
    Command,
    DtmfEnd,
    Event,
    MarkProcessed,
    MediaSocketError,
    MediaStart,
    MediaXoff,
    Refused,
    decode,
    encode,
)
from media_pod.transport.websocket.playback import Playback
from media_pod.transport.websocket.upgrade import UpgradeError, make_protocol, take_request

TICK_MS: Final = 20
_SHOWN: Final = 200
"""Characters of what Asterisk says that are told on."""

_logger = logging.getLogger(__name__)


def row_header(row_bytes: int) -> bytes:
    """What a binary message of `row_bytes` (126 to 65535) begins with: final, not masked."""
    return bytes((0x82, 126)) + row_bytes.to_bytes(2, "big")


class Connection(CallSocket[Frame]):
    """A connected socket, owned from now on; made by `MediaSocketServer`. See `CallSocket`.

    Args:
        rate_hz: of the samples, both ways.
    """

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        on_end: Callable[[Any], None],
        *,
        rate_hz: int = 8000,
        stall_s: float = STALL_S,
    ) -> None:
        super().__init__(sock, peer, on_end, stall_s=stall_s)
        self._kind = audio_kind(rate_hz)
        self._row_bytes = 2 * rate_hz * TICK_MS // 1000
        self._header_bytes = len(row_header(self._row_bytes))
        self._silence = row_header(self._row_bytes) + bytes(self._row_bytes)
        self._playback = Playback()
        self._protocol = make_protocol()
        self._response: Response | None = None
        self._refusal = HTTPStatus.BAD_REQUEST
        """What a connection that is hung up before its upgrade gets."""
        self._fragments: list[Message] = []
        self._incomplete = 0
        """Bytes read of messages that are not complete."""
        self._fault = ""
        """Why nothing more can be read."""
        self._started = False
        self._waits_since: float | None = None
        """When MEDIA_START was first looked for."""

    @property
    def wanted(self) -> int:
        """Rows to give in this tick: those that Asterisk's queue lacks, 0 before MEDIA_START."""
        if not self._started:
            return 0
        # What cannot leave is lost: no more of it than time passes.
        return 1 if self._blocked else self._playback.wanted

    @property
    def left(self) -> int:
        """How many of the rows given have left Asterisk's queue for sure, by count."""
        return self._playback.left

    def upgrade(self, data: bytes) -> UUID | None:
        """Take bytes of the request; whose call it is once they are all here.

        Raises:
            UpgradeError: no WebSocket upgrade, or one without `uuid`.
        """
        try:
            taken = take_request(self._protocol, data)
        except UpgradeError as error:
            self._refusal = error.status
            raise
        if taken is None:
            return None
        uuid, self._response = taken
        # Whoever refuses it from here on is the pod: full, draining, or not told of this call.
        self._refusal = HTTPStatus.SERVICE_UNAVAILABLE
        return uuid

    def welcome(self) -> None:
        """Answer the request with 101: the call is admitted."""
        assert self._response is not None, "upgrade() has returned a UUID"
        self._protocol.send_response(self._response)
        self._post(self._outgoing())

    def send(self, row: bytes | memoryview) -> None:
        """Write one whole message, header and samples, into Asterisk's queue; never blocks.

        As `audiosocket.Connection.send`; and a row without sound is left out when more is queued
        than should be.
        """
        if not self._flowing:
            return
        playback = self._playback
        if playback.ahead and row == self._silence:
            playback.leave_out()
            return
        marked = playback.mark_due
        mark = self._command(Command.MARK_MEDIA, playback.next_mark) if marked else b""
        if self._write(mark + row if marked else row):
            playback.push(bytes(row), marked=marked)
        else:
            playback.leave_out()

    def playing(self) -> NDArray[np.int16]:
        """A tick passes: what leaves Asterisk's queue in it, int16 [samples]."""
        row = self._playback.tick() or self._silence
        return np.frombuffer(row, np.int16, offset=self._header_bytes)

    def flush(self) -> None:
        """Silence the line now: Asterisk forgets what is queued."""
        if self._flowing:
            self._post(self._command(Command.FLUSH_MEDIA))
            self._playback.flush()

    def read(self, now: float) -> list[Frame]:
        """See `CallSocket.read`; MEDIA_START has to come within `stall_s` of the first time."""
        if not self._started:
            if self._waits_since is None:
                self._waits_since = now
            elif now - self._waits_since > self._stall_s:
                self.hang_up(f"read no MEDIA_START within {self._stall_s:g} s")
        return super().read(now)

    @property
    def _flowing(self) -> bool:
        """Rows and commands may be sent: neither side has said goodbye, nor has anything failed."""
        is_open = self._protocol.state is ProtocolState.OPEN
        return self._started and is_open and self.state is State.OPEN

    @property
    def _pending(self) -> int:
        return max(self._incomplete, 0)

    def _decode(self, data: bytes) -> list[Frame]:
        self._incomplete += len(data)
        self._protocol.receive_data(data)
        messages = cast(list[Message], self._protocol.events_received())
        frames: list[Frame] = []
        try:
            for message in messages:
                self._incomplete -= _wire_bytes(message)
                self._take(message, frames)
        except MediaSocketError as error:
            self._fault = str(error)
        if self._protocol.parser_exc is not None:
            self._fault = self._fault or f"read no WebSocket message: {self._protocol.parser_exc}"
        if len(messages) > MAX_FRAMES_PER_READ:
            self._fault = self._fault or (
                f"read {len(messages)} messages at once, expected at most {MAX_FRAMES_PER_READ}"
            )
        if not self._fault and (answers := self._outgoing()):
            self._post(answers)
        return frames

    def _accept(self, frames: list[Frame]) -> list[Frame]:
        if self._fault:
            self.hang_up(self._fault)
        return frames

    def _take(self, message: Message, frames: list[Frame]) -> None:
        opcode = message.opcode
        if opcode is Opcode.BINARY and message.fin:  # nearly always
            frames.append(self._audio(bytes(message.data)))
        elif opcode is Opcode.CLOSE:
            self._fault = f"the peer closed ({self._protocol.close_rcvd})"
        elif opcode is not Opcode.PING and opcode is not Opcode.PONG:
            self._fragments.append(message)
            if message.fin:
                self._put_together(frames)

    def _put_together(self, frames: list[Frame]) -> None:
        payload = b"".join(part.data for part in self._fragments)
        is_text = self._fragments[0].opcode is Opcode.TEXT
        self._fragments.clear()
        if is_text:
            self._on(decode(payload), frames)
        else:
            frames.append(self._audio(payload))

    def _audio(self, payload: bytes) -> Frame:
        if not self._started:
            raise MediaSocketError("read audio, expected MEDIA_START before it")
        if len(payload) % 2:
            raise MediaSocketError(f"read {len(payload)} bytes of audio, expected an even number")
        return Frame(self._kind, payload)

    def _on(self, event: Event, frames: list[Frame]) -> None:
        match event:
            case MediaStart():
                self._start(event)
            case DtmfEnd(digit):
                frames.append(Frame(Kind.DTMF, digit.encode()))
            case MarkProcessed(correlation_id):
                rows = self._playback.marked(correlation_id)
                if rows:
                    _logger.info("%s: its queue is deeper by %+d rows", self.peer, rows)
            case MediaXoff():
                # Nothing has been played for 18 s, and nobody wants to hear it afterwards.
                self.flush()
            case Refused(text):
                raise MediaSocketError(f"Asterisk refused a command: {text[:_SHOWN]}")

    def _start(self, event: MediaStart) -> None:
        if self._started:
            raise MediaSocketError("read a second MEDIA_START, expected audio or DTMF")
        expected = self._kind.name.lower()
        if (event.format, event.frame_bytes) != (expected, self._row_bytes):
            raise MediaSocketError(
                f"read MEDIA_START of {event.format!r} with {event.frame_bytes} bytes a frame, "
                f"expected {expected!r} with {self._row_bytes}: the dial string needs "
                f"c({expected}), or the agent another spec.line.rateHz"
            )
        self._started = True
        _logger.info("%s: is %.100r", self.peer, event.channel)

    def _goodbye(self, reason: str) -> bytes:
        if self._protocol.state is ProtocolState.CONNECTING and not self._protocol.eof_sent:
            self._protocol.send_response(self._protocol.reject(self._refusal, f"{reason}\n"))
        elif self._protocol.state is ProtocolState.OPEN:
            self._protocol.send_text(encode(Command.HANGUP))
            self._protocol.send_close(1000)
        return self._outgoing()

    def _end_of_stream(self) -> str:
        if self._pending:
            return f"read the end of the stream after {self._pending} bytes of a message"
        return "the peer closed"

    def _command(self, command: Command, correlation_id: str = "") -> bytes:
        self._protocol.send_text(encode(command, correlation_id))
        return self._outgoing()

    def _outgoing(self) -> bytes:
        return b"".join(self._protocol.data_to_send())


def _wire_bytes(message: Message) -> int:
    """What a client's frame takes on the wire: header, mask, payload."""
    size = len(message.data)
    return size + (6 if size < 126 else 8 if size < 65536 else 14)
