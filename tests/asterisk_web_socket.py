"""Asterisk's end of a chan_websocket connection, without its I/O: bytes in, bytes out."""

import json
from uuid import UUID

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

START = {
    "event": "MEDIA_START",
    "connection_id": "127.0.0.1:3001",
    "channel": "WebSocket/127.0.0.1:3001/0x7f50f000f8a0",
    "channel_id": "1795644984.2",
    "format": "slin",
    "optimal_frame_size": 320,
    "ptime": 20,
    "channel_variables": {},
}
AUDIO = bytes(range(160)) * 2


class WebSocketAsterisk:
    """What Asterisk has been sent, and the bytes of what it sends."""

    def __init__(self, call: UUID | str | None) -> None:
        query = "" if call is None else f"?uuid={call}"
        self.protocol = ClientProtocol(
            parse_uri(f"ws://127.0.0.1:3001/media{query}"), subprotocols=[Subprotocol("media")]
        )
        self.response: Response | None = None
        self.frames: list[bytes] = []
        """Samples of each binary message."""
        self.commands: list[str] = []
        """`ANSWER`, or `MARK_MEDIA 51`, in the order of the frames' `log`."""
        self.log: list[str] = []
        """Commands, and `frame` for each frame."""

    def request(self) -> bytes:
        self.protocol.send_request(self.protocol.connect())
        return self.out()

    def says(self, *messages: dict[str, object] | bytes) -> bytes:
        """Events as text, audio as binary messages."""
        for message in messages:
            if isinstance(message, bytes):
                self.protocol.send_binary(message)
            else:
                self.protocol.send_text(json.dumps(message).encode())
        return self.out()

    def out(self) -> bytes:
        return b"".join(self.protocol.data_to_send())

    def take(self, data: bytes) -> None:
        """Bytes that have come from the pod, none at its end."""
        if data:
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                self.response = event
            elif isinstance(event, Frame):
                self._take(event)

    @property
    def status(self) -> int:
        assert self.response is not None, "the request was not answered"
        return self.response.status_code

    @property
    def close_code(self) -> int | None:
        """The code of the pod's Close."""
        return self.protocol.close_rcvd.code if self.protocol.close_rcvd else None

    def _take(self, message: Frame) -> None:
        if message.opcode is Opcode.BINARY:
            self.frames.append(bytes(message.data))
            self.log.append("frame")
        elif message.opcode is Opcode.TEXT:
            command = json.loads(bytes(message.data))
            assert len(message.data) <= 128, "Asterisk drops longer ones"
            text = " ".join(filter(None, (command["command"], command.get("correlation_id"))))
            self.commands.append(text)
            self.log.append(text)
