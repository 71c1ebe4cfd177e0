"""The simulated telephone: a caller on an echoing line, over real TCP to a real pod.

It does what Asterisk does: it asks the HTTP API which pod has room (`ask_call_start`), connects,
sends the UUID, then one frame of 20 ms per tick in one write each, and ends a call by closing the
connection. It has a clock of its own (`handset.PhoneClock`).
"""

import asyncio
import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import CallRecord
from interject_lab.errors import LabError
from interject_lab.network.line import TelephoneLine
from interject_lab.telephones.caller import TelephoneUser
from interject_lab.telephones.handset import Dtmf, Handset, PhoneClock, PhoneTick
from media_pod.transport.audiosocket.frames import (
    AudioSocketError,
    Decoder,
    Frame,
    FrameKind,
    audio_kind,
    encode,
)

CONNECT_DEADLINE_S = 2.0
"""As in Asterisk."""
SILENT_POD_S = 5.0
"""The longest silence of a pod before the telephone gives up."""
CLOSE_DEADLINE_S = 2.0
MAX_UNSENT_BYTES = 64_000
"""4 s of audio at 8 kHz that the pod has not read: it has stopped reading."""

_READ_BYTES = 65_536
_PORT_HINT = "check the pod's AudioSocket address, usually port 3000"


class Phone:
    """One telephone for one call.

    Args:
        line, caller: made for this call, of the same rate.
        max_s: the caller hangs up after this time.
        dtmf: digits to send, in order of time.
        jitter_ms: the largest delay of a frame after its tick; order is kept.
        rng: for the jitter.
        progress: receives the seconds since the start, once a second.
        clock_ns: a monotonic clock; it must run with the event loop's.
    """

    def __init__(
        self,
        line: TelephoneLine,
        caller: TelephoneUser,
        *,
        max_s: float,
        dtmf: Sequence[Dtmf] = (),
        jitter_ms: float = 0.0,
        rng: np.random.Generator | None = None,
        progress: Callable[[float], None] = lambda elapsed_s: None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._rate_hz = line.rate_hz
        self._handset = Handset(line, caller, max_s)
        self._dtmf = dtmf
        self._jitter_ms = jitter_ms
        self._rng = rng or np.random.default_rng(0)
        self._progress = progress
        self._clock_ns = clock_ns
        self._due: deque[tuple[int, bytes, bool]] = deque()
        """What leaves next: when, the bytes, whether it is audio. As long as the jitter at most."""
        self._sent_ns: list[int] = []
        self._heard_ns = 0

    async def call(self, host: str, port: int, uuid: UUID) -> CallRecord:
        """Call the pod at `host`:`port`, until either side hangs up.

        Raises:
            LabError: no connection, or the server does not speak AudioSocket.
        """
        reader, writer = await _connect(host, port)
        writer.write(encode(Frame(FrameKind.UUID, uuid.bytes)))
        listening = asyncio.create_task(self._listen(reader))
        talking = asyncio.create_task(self._talk(writer))
        try:
            done, _ = await asyncio.wait((listening, talking), return_when=asyncio.FIRST_COMPLETED)
            ended = (listening if listening in done else talking).result()
            if listening not in done:
                await self._hang_up(writer, listening)
        except AudioSocketError as error:
            raise LabError(
                f"{host}:{port} does not speak AudioSocket ({error}): {_PORT_HINT}"
            ) from error
        finally:
            for task in (listening, talking):
                task.cancel()
            await asyncio.gather(listening, talking, return_exceptions=True)
            await _close(writer)
        return self._handset.record(self._sent_ns, ended)

    async def _talk(self, writer: asyncio.StreamWriter) -> str:
        start_ns = self._heard_ns = self._clock_ns()
        ticks = PhoneClock(self._handset, self._dtmf, self._progress, start_ns)
        while True:
            now_ns = self._clock_ns()
            while ticks.due(now_ns):
                self._queue_tick(ticks.tick())
            while self._due and self._due[0][0] <= now_ns:
                self._send(writer, *self._due.popleft()[1:])
            if self._handset.over and not self._due:
                return "the caller hung up"
            if now_ns - self._heard_ns > SILENT_POD_S * 1e9:
                return f"the pod sent nothing for {SILENT_POD_S:.0f} s"
            if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                return "the pod stopped reading"
            next_ns = min(ticks.next_ns, self._due[0][0]) if self._due else ticks.next_ns
            await asyncio.sleep(max(next_ns - self._clock_ns(), 0) / 1e9)

    def _queue_tick(self, tick: PhoneTick) -> None:
        for digit in tick.digits:
            self._queue(
                tick.at_ns, encode(Frame(FrameKind.DTMF, digit.encode("ascii"))), audio=False
            )
        payload = tick.frame.astype("<i2").tobytes()
        late_ns = round(self._rng.uniform(0, self._jitter_ms) * 1e6) if self._jitter_ms else 0
        self._queue(tick.at_ns + late_ns, encode(Frame(audio_kind(self._rate_hz), payload)), True)

    def _queue(self, due_ns: int, data: bytes, audio: bool) -> None:
        # TCP keeps order: a frame that would overtake the one before it leaves with it.
        last_ns = self._due[-1][0] if self._due else due_ns
        self._due.append((max(due_ns, last_ns), data, audio))

    def _send(self, writer: asyncio.StreamWriter, data: bytes, audio: bool) -> None:
        writer.write(data)
        if audio:
            self._sent_ns.append(self._clock_ns())

    async def _listen(self, reader: asyncio.StreamReader) -> str:
        """Receive until the pod ends the call; returns how it ended."""
        decoder, frames = Decoder(), 0
        while True:
            try:
                data = await reader.read(_READ_BYTES)
            except ConnectionError as error:
                return f"the connection was lost ({error.strerror})"
            self._heard_ns = now_ns = self._clock_ns()
            if not data:
                if not frames:
                    decoder.eof()  # another protocol looks like the beginning of an unknown frame
                return "the pod closed the connection"
            for frame in decoder.feed(data):
                frames += 1
                if frame.kind is FrameKind.HANGUP:
                    return "the bot hung up"
                if frame.kind is FrameKind.ERROR:
                    return f"the pod reported an error ({frame.payload.hex() or 'no code'})"
                if frame.rate_hz:
                    self._handset.receive(self._pcm(frame), now_ns)
            if decoder.error is not None:
                raise decoder.error

    def _pcm(self, frame: Frame) -> NDArray[np.int16]:
        if frame.rate_hz != self._rate_hz:
            raise LabError(
                f"the pod sent audio at {frame.rate_hz} Hz on a call at {self._rate_hz} Hz:"
                " set the telephone to the pod's rate"
            )
        return np.frombuffer(frame.payload, "<i2").astype(np.int16)

    @staticmethod
    async def _hang_up(writer: asyncio.StreamWriter, listening: asyncio.Task[str]) -> None:
        """Close the sending side, and wait until the pod closes or the deadline."""
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()
        await asyncio.wait((listening,), timeout=CLOSE_DEADLINE_S)


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise LabError(
            f"no connection to {host}:{port} within {CONNECT_DEADLINE_S:.0f} s: {_PORT_HINT}"
        ) from None
    except OSError as error:
        raise LabError(
            f"no connection to {host}:{port} ({error.strerror or error}): is the pod running?"
            f" Otherwise {_PORT_HINT}"
        ) from None
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return reader, writer


async def _close(writer: asyncio.StreamWriter) -> None:
    if writer.transport.get_write_buffer_size():
        writer.transport.abort()
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_DEADLINE_S):
            await writer.wait_closed()
    except (TimeoutError, ConnectionError):
        writer.transport.abort()


DEADLINE_S = 1.5
"""As in the dialplan."""
_MAX_ANSWER_BYTES = 256
_API_HINT = "check the API's address, usually port 1650"
_ADDRESS = re.compile(r"(?P<host>[0-9A-Za-z.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")


async def ask_call_start(
    api: str,
    call: UUID,
    *,
    from_number: str = "",
    to_number: str = "",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, int]:
    """Ask the API at `api` (such as `http://127.0.0.1:1650`) where to connect for `call`.

    Args:
        api: URL of the pod's HTTP API.
        call: the call's identifier.
        from_number, to_number: of the caller and of the called.
        variables: of the call, for templates.

    Raises:
        LabError: no answer, a refusal, or an answer that is not an address.
    """
    if urlsplit(api).scheme not in ("http", "https"):
        raise LabError(
            f"read the API address {api!r}, expected http://HOST:PORT, usually port 1650"
        )
    url = f"{api.rstrip('/')}/api/call-start"
    query = {"uuid": str(call), "from": from_number, "to": to_number, "try": "1"}
    query |= {f"var.{name}": value for name, value in variables.items()}
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, params=query, headers={"Accept": "text/plain"}) as response,
        ):
            answer = (await response.content.read(_MAX_ANSWER_BYTES)).decode("utf-8", "replace")
            return _address(url, response.status, answer.strip())
    except TimeoutError:
        raise LabError(f"no answer from {url} within {DEADLINE_S} s: {_API_HINT}") from None
    except aiohttp.ClientConnectorError as error:
        # aiohttp puts the address into strerror, which the message has already.
        cause = os.strerror(error.os_error.errno) if error.os_error.errno else "no usable address"
        message = f"no server listens at {api} ({cause}): is the pod running?"
        raise LabError(f"{message} Otherwise {_API_HINT}") from None
    except aiohttp.ClientError as error:
        name = type(error).__name__
        raise LabError(f"no HTTP at {api} ({name}): {_API_HINT}") from None


def _address(url: str, status: int, answer: str) -> tuple[str, int]:
    if status == 503:
        raise LabError(
            f"{url} answered 503, no free slot: raise the pod's capacity or try again later"
        )
    if status != 200:
        raise LabError(
            f"{url} answered {status} {answer!r}, expected 200 and host:port: {_API_HINT}"
        )
    found = _ADDRESS.fullmatch(answer)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise LabError(f"{url} answered {answer!r}, expected host:port: {_API_HINT}")
    return found["host"].strip("[]"), int(found["port"])
