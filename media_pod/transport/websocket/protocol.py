"""One WebSocket of Asterisk's chan_websocket as bytes and events. No I/O.

    Asterisk                                     pod
    GET /?uuid=...  Upgrade: websocket           101 (`accept`), or an HTTP error
    {"event":"MEDIA_START", ...}                 `frames_needed` is no longer 0: frames leave
    samples, DTMF_END, MEDIA_MARK_PROCESSED      samples, MARK_MEDIA, FLUSH_MEDIA
    Close (the caller hung up)                   Close; or, first, HANGUP and Close (the bot did)

Nothing is sent between 101 and MEDIA_START: Asterisk reads the answer to its request into a buffer,
and what comes along with it stays there until more arrives, behind which every later message then
waits. Audio that Asterisk sends in front of MEDIA_START is left out. Frames and their marks go
around the library's protocol object, because their headers are always the same.
"""

import logging
from http import HTTPStatus
from typing import ClassVar, Final, cast
from uuid import UUID

import numpy as np
from websockets.frames import Frame as Message
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State

from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.transport.line import (
    MAX_FRAMES_PER_READ,
    Audio,
    Digit,
    LineEvent,
    Skipped,
    SkipReason,
)
from media_pod.transport.websocket.messages import (
    Command,
    DtmfEnd,
    Event,
    MarkProcessed,
    MediaStart,
    MediaXoff,
    Refused,
    WebSocketError,
    decode,
    encode,
)
from media_pod.transport.websocket.playback import Playback
from media_pod.transport.websocket.upgrade import UpgradeError, make_protocol, take_request

REQUEST_BYTES: Final = 4096
"""Read at a time; the library bounds a request's lines and their number."""
_SHOWN: Final = 200
"""Characters of the peer's text that messages repeat."""

_logger = logging.getLogger(__name__)


class WebSocketProtocol:
    """See `LineProtocol`."""

    name: ClassVar[str] = "WebSocket"
    hello_bytes: Final = REQUEST_BYTES

    def __init__(self, rate_hz: int, peer: str) -> None:
        self.peer = peer
        self.fault = ""
        self.goodbye = False
        self._format = _format(rate_hz)
        self._frame_bytes = 2 * rate_hz * TICK_MS // 1000
        self._header = _header(self._frame_bytes)
        self._silence = bytes(self._frame_bytes)
        self._playback = Playback()
        self._protocol = make_protocol()
        self._response: Response | None = None
        self._refusal = HTTPStatus.BAD_REQUEST
        """The answer to a connection that is closed before its upgrade."""
        self._fragments: list[Message] = []
        self._incomplete = 0
        """Bytes received of messages that are not complete."""
        self._encoded: tuple[bytes, bool] = (b"", False)
        """The last frame encoded, and whether a mark is in front of it."""
        self._started = False
        self._skipped = False

    def receive_hello(self, data: bytes) -> UUID | None:
        """Take bytes of the request.

        Raises:
            UpgradeError: no WebSocket upgrade, or one without `uuid`.
        """
        if not data:
            raise UpgradeError("read the end of the stream, expected an upgrade request")
        try:
            taken = take_request(self._protocol, data)
        except UpgradeError as error:
            self._refusal = error.status
            raise
        if taken is None:
            return None
        uuid, self._response = taken
        # From here on a refusal is the pod's: full, draining, or no reservation for this call.
        self._refusal = HTTPStatus.SERVICE_UNAVAILABLE
        return uuid

    def accept(self) -> None:
        """Answer the request with 101."""
        assert self._response is not None, "receive_hello() has returned a UUID"
        self._protocol.send_response(self._response)

    @property
    def awaited(self) -> str:
        """MEDIA_START, until it has come."""
        return "" if self._started else "MEDIA_START"

    @property
    def pending(self) -> int:
        """Bytes received of messages that are not complete."""
        return max(self._incomplete, 0)

    @property
    def frames_needed(self) -> int:
        """The frames that Asterisk's queue lacks, 0 before MEDIA_START."""
        return self._playback.frames_needed if self._started else 0

    @property
    def frames_played(self) -> int:
        """How many of the frames given have certainly left Asterisk's queue, by count."""
        return self._playback.frames_played

    def receive_data(self, data: bytes) -> list[LineEvent]:
        """See `LineProtocol.receive_data`; a message in fragments counts at its last one."""
        self._incomplete += len(data)
        self._protocol.receive_data(data)
        messages = cast(list[Message], self._protocol.events_received())
        events: list[LineEvent] = []
        try:
            for message in messages:
                self._incomplete -= _wire_bytes(message)
                self._take(message, events)
        except WebSocketError as error:
            self.fault = str(error)
        if self._protocol.parser_exc is not None:
            self.fault = self.fault or f"read no WebSocket message: {self._protocol.parser_exc}"
        if len(messages) > MAX_FRAMES_PER_READ:
            self.fault = self.fault or (
                f"read {len(messages)} messages at once, expected at most {MAX_FRAMES_PER_READ}"
            )
        return events

    def receive_eof(self) -> str:
        """See `LineProtocol.receive_eof`."""
        if self.pending:
            return f"read the end of the stream after {self.pending} bytes of a message"
        return "the peer closed"

    def encode(self, frame: bytes | memoryview) -> bytes:
        """One whole message, header and samples, behind a mark if one is due.

        A frame without sound is left out when Asterisk has more queued than it should.
        """
        if not self._flowing:
            return b""
        playback = self._playback
        if playback.ahead and frame == self._silence:
            playback.leave_out()
            return b""
        marked = playback.mark_due
        samples = bytes(frame)
        self._encoded = samples, marked
        if not marked:
            return self._header + samples
        mark = _text(encode(Command.MARK_MEDIA, playback.next_mark))
        return mark + self._header + samples

    def wrote(self, *, whole: bool) -> None:
        """See `LineProtocol.wrote`: the frame is in Asterisk's queue, or it never will be."""
        frame, marked = self._encoded
        if whole:
            self._playback.push(frame, marked=marked)
        else:
            self._playback.leave_out()

    def playing(self) -> Pcm:
        """A tick passes: what leaves Asterisk's queue in it, int16 [samples]."""
        return np.frombuffer(self._playback.tick() or self._silence, np.int16)

    def flush(self) -> None:
        """Silence the line now: Asterisk discards what is queued."""
        if self._flowing:
            self._protocol.send_text(encode(Command.FLUSH_MEDIA))
            self._playback.flush()

    def close(self, reason: str) -> None:
        """HANGUP and Close; before the upgrade an HTTP error with `reason`."""
        if self._protocol.state is State.CONNECTING and not self._protocol.eof_sent:
            self._protocol.send_response(self._protocol.reject(self._refusal, f"{reason}\n"))
        elif self._protocol.state is State.OPEN:
            self._protocol.send_text(encode(Command.HANGUP))
            self._protocol.send_close(1000)

    def data_to_send(self) -> bytes:
        """See `LineProtocol.data_to_send`."""
        return b"".join(self._protocol.data_to_send())

    @property
    def _flowing(self) -> bool:
        """Frames and commands may be sent: started, and neither side has said goodbye."""
        return self._started and self._protocol.state is State.OPEN

    def _take(self, message: Message, events: list[LineEvent]) -> None:
        opcode = message.opcode
        if opcode is Opcode.BINARY and message.fin:  # nearly always
            events.append(self._audio(bytes(message.data)))
        elif opcode is Opcode.CLOSE:
            self.goodbye = True
            self.fault = f"the peer closed ({self._protocol.close_rcvd})"
        elif opcode is not Opcode.PING and opcode is not Opcode.PONG:
            self._fragments.append(message)
            if message.fin:
                self._put_together(events)

    def _put_together(self, events: list[LineEvent]) -> None:
        payload = b"".join(part.data for part in self._fragments)
        is_text = self._fragments[0].opcode is Opcode.TEXT
        self._fragments.clear()
        if is_text:
            self._on(decode(payload), events)
        else:
            events.append(self._audio(payload))

    def _audio(self, payload: bytes) -> LineEvent:
        if not self._started:
            # Its format is not known yet, and as a queue it would delay all that follows.
            if not self._skipped:
                _logger.info("%s: audio before MEDIA_START is left out", self.peer)
            self._skipped = True
            return Skipped(SkipReason.BEFORE_START)
        if len(payload) % 2:
            raise WebSocketError(f"read {len(payload)} bytes of audio, expected an even number")
        return Audio(payload)

    def _on(self, event: Event, events: list[LineEvent]) -> None:
        match event:
            case MediaStart():
                self._start(event)
            case DtmfEnd(digit):
                events.append(Digit(digit))
            case MarkProcessed(correlation_id):
                frames = self._playback.marked(correlation_id)
                if frames:
                    _logger.info("%s: its queue is deeper by %+d frames", self.peer, frames)
            case MediaXoff():
                # Nothing has been played for 18 s: by now it is too late to be heard.
                self.flush()
            case Refused(text):
                raise WebSocketError(f"Asterisk refused a command: {text[:_SHOWN]}")

    def _start(self, event: MediaStart) -> None:
        if self._started:
            raise WebSocketError("read a second MEDIA_START, expected audio or DTMF")
        expected = self._format
        if (event.format, event.frame_bytes) != (expected, self._frame_bytes):
            raise WebSocketError(
                f"read MEDIA_START of {event.format!r} with {event.frame_bytes} bytes a frame, "
                f"expected {expected!r} with {self._frame_bytes}: the dial string needs "
                f"c({expected}), or the agent another spec.line.rateHz"
            )
        self._started = True
        _logger.info("%s: is %.100r", self.peer, event.channel)


def _header(payload_bytes: int) -> bytes:
    """What a binary message of 126 to 65535 bytes begins with: final, not masked."""
    return bytes((0x82, 126)) + payload_bytes.to_bytes(2, "big")


def _text(payload: bytes) -> bytes:
    """A text message of at most 125 bytes: final, not masked."""
    return bytes((0x81, len(payload))) + payload


def _format(rate_hz: int) -> str:
    """Asterisk's name of linear PCM at `rate_hz`."""
    return "slin" if rate_hz == 8000 else f"slin{rate_hz // 1000}"


def _wire_bytes(message: Message) -> int:
    """What a client's frame takes on the wire: header, mask, payload."""
    size = len(message.data)
    return size + (6 if size < 126 else 8 if size < 65536 else 14)
