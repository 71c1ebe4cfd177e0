import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from interject_lab.call_record import CallRecord
from interject_lab.errors import LabError
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import hybrid
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.phone import Phone, ask_call_start
from lab.conftest import Talk
from media_pod.transport.audiosocket.frames import HANGUP, Decoder, Frame, FrameKind, encode

CALL = UUID("0b0e9c1e-6f6b-4a0e-9a6b-3d4f1c2b5a69")
SERVER_ERROR = b"\xff\x00\x01\x20"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Pod:
    """Answers every audio frame of the caller's with one of its own, until the caller hangs up."""

    def __init__(
        self, kind: FrameKind = FrameKind.SLIN, last: bytes = b"", frames: int = 10_000
    ) -> None:
        self.kind, self.last, self.frames = kind, last, frames
        self.received: list[Frame] = []
        self.saw_eof = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        sound = np.full(160, 2000, "<i2").tobytes()
        while data := await reader.read(4096):
            for frame in decoder.feed(data):
                self.received.append(frame)
                if frame.rate_hz:
                    writer.write(encode(Frame(self.kind, sound)))
            if len(self.received) > self.frames:
                writer.write(self.last)
                break
        else:
            self.saw_eof = True
        writer.close()

    def audio(self) -> bytes:
        return b"".join(frame.payload for frame in self.received if frame.rate_hz)


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def make(talk: Talk, *plan: PlannedUtterance, **settings: Any) -> Phone:
    rng = np.random.default_rng(3)
    line = TelephoneLine(
        8000,
        hybrid(rng),
        erl_db=15.0,
        delays=[DelayStep(0, 60)],
        bot_speech=talk(1.0),
        rng=rng,
    )
    return Phone(line, Caller(plan, 8000), **({"max_s": 0.3} | settings))


async def call(phone: Phone, serve: Serve) -> CallRecord:
    async with listening(serve) as port:
        return await phone.call("127.0.0.1", port, CALL)


async def test_a_call_is_one_uuid_and_one_frame_per_tick(talk: Talk) -> None:
    pod = Pod()
    record = await call(make(talk), pod)
    assert pod.received[0] == Frame(FrameKind.UUID, CALL.bytes)
    assert [len(frame.payload) for frame in pod.received[1:]] == [320] * 15
    assert pod.audio() == record.caller.astype("<i2").tobytes()
    assert pod.saw_eof
    assert record.ended == "the caller hung up"


async def test_the_record_has_what_came_and_when(talk: Talk) -> None:
    record = await call(make(talk), Pod())
    assert record.caller_sent_ns.size == record.bot_played_sample.size == 15
    assert np.all(np.diff(record.caller_sent_ns) >= 0)
    assert np.all(np.diff(record.bot_arrived_ns) >= 0)
    assert record.bot_arrived_ns.size == record.bot.size // 160 >= 14
    assert np.all(record.bot == 2000)
    assert record.bot_arrived_ns[0] >= record.caller_sent_ns[0]


async def test_what_the_caller_says_is_sent_and_noted(talk: Talk) -> None:
    hello = PlannedUtterance("hello", talk(0.1), Cue.AT, 0.1)
    record = await call(make(talk, hello), Pod())
    assert [spoken.label for spoken in record.spoken] == ["hello"]
    onset = record.spoken[0].onset_sample
    assert np.abs(record.caller[onset : onset + 400]).max() > 1000


async def test_jitter_changes_no_byte_and_no_order(talk: Talk) -> None:
    calm, shaken = Pod(), Pod()
    await call(make(talk), calm)
    await call(make(talk, jitter_ms=60.0, rng=np.random.default_rng(1)), shaken)
    assert len(shaken.audio()) == len(calm.audio())
    # The echo depends on when the bot's frames came; the first 60 ms of the line are noise alone.
    assert shaken.audio()[:960] == calm.audio()[:960]


async def test_digits_are_pressed_at_their_time(talk: Talk) -> None:
    pod = Pod()
    await call(make(talk, dtmf=[Dtmf(0.0, "1"), Dtmf(0.1, "#")]), pod)
    kinds = [frame.kind for frame in pod.received]
    digits = [frame.digit for frame in pod.received if frame.kind is FrameKind.DTMF]
    assert digits == ["1", "#"]
    assert kinds.index(FrameKind.DTMF) == 1
    assert kinds.index(FrameKind.DTMF, 2) == 7


async def test_progress_is_told_once_a_second(talk: Talk) -> None:
    reported: list[float] = []
    await call(make(talk, progress=reported.append), Pod())
    assert reported == [0.0]


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (encode(HANGUP), "the bot hung up"),
        (b"", "the pod closed the connection"),
        (SERVER_ERROR, "the pod reported an error (20)"),
    ],
)
async def test_the_pod_may_end_the_call(last: bytes, ended: str, talk: Talk) -> None:
    record = await call(make(talk, max_s=30.0), Pod(last=last, frames=5))
    assert record.ended == ended
    assert 5 <= record.caller_sent_ns.size < 50


async def test_a_server_of_another_protocol_is_reported(talk: Talk) -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    with pytest.raises(LabError, match=r"does not speak AudioSocket .* usually port 3000"):
        await call(make(talk), http)


async def test_a_pod_of_another_rate_is_reported(talk: Talk) -> None:
    with pytest.raises(LabError, match="sent audio at 16000 Hz on a call at 8000 Hz"):
        await call(make(talk), Pod(kind=FrameKind.SLIN16))


async def test_a_pod_that_says_nothing_is_given_up(talk: Talk) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    hurried_ns = itertools.count(0, 10_000_000)
    phone = make(talk, max_s=60.0, clock_ns=lambda: next(hurried_ns))
    record = await call(phone, mute)
    assert record.ended == "the pod sent nothing for 5 s"
    assert record.bot.size == 0


async def test_a_pod_that_does_not_listen_is_reported(
    talk: Talk, unused_tcp_port_factory: Callable[[], int]
) -> None:
    port = unused_tcp_port_factory()
    with pytest.raises(LabError, match=f"no connection to 127.0.0.1:{port} .* is the pod running"):
        await make(talk).call("127.0.0.1", port, CALL)


CALL = UUID("0b0e9c1e-6f6b-4a0e-9a6b-3d4f1c2b5a69")


@asynccontextmanager
async def api(status: int, text: str, seen: list[web.Request] | None = None) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append(request)
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/api/call-start", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:3000", ("127.0.0.1", 3000)),
        ("pod-1.media:3000\r\n", ("pod-1.media", 3000)),
        ("[::1]:3000", ("::1", 3000)),
    ],
)
async def test_the_address_is_taken_from_the_answer(text: str, address: tuple[str, int]) -> None:
    async with api(200, text) as url:
        assert await ask_call_start(url, CALL) == address


async def test_it_asks_as_the_dialplan_asks() -> None:
    seen: list[web.Request] = []
    async with api(200, "a:1", seen) as url:
        variables = {"account": "47 & 11"}
        await ask_call_start(url, CALL, from_number="100", to_number="200", variables=variables)
    query = dict(seen[0].query)
    numbers = {"from": "100", "to": "200", "var.account": "47 & 11"}
    assert query == {"uuid": str(CALL), "try": "1"} | numbers


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (503, "full", "answered 503, no free slot"),
        (400, "bad uuid", "answered 400 'bad uuid', expected 200"),
        (200, "127.0.0.1", "answered '127.0.0.1', expected host:port"),
        (200, "a:99999", "expected host:port"),
        (200, "<html>" * 1000, "expected host:port"),
    ],
)
async def test_any_other_answer_is_reported(status: int, text: str, message: str) -> None:
    async with api(status, text) as url:
        with pytest.raises(LabError, match=message):
            await ask_call_start(url, CALL)


async def test_a_port_that_does_not_speak_http_is_reported() -> None:
    async with raw_server(b"\x10\x01\x40" + bytes(320)) as url:
        with pytest.raises(LabError, match=r"no HTTP at .* usually port 1650"):
            await ask_call_start(url, CALL)


async def test_a_port_that_closes_is_reported() -> None:
    async with raw_server(b"") as url:
        with pytest.raises(LabError, match=r"no HTTP at .* usually port 1650"):
            await ask_call_start(url, CALL)


async def test_an_api_that_does_not_listen_is_reported(
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    with pytest.raises(LabError, match=r"no server listens at .* is the pod running"):
        await ask_call_start(url, CALL)


async def test_an_address_without_a_scheme_is_reported() -> None:
    with pytest.raises(LabError, match=r"read the API address '127\.0\.0\.1:1650', expected http"):
        await ask_call_start("127.0.0.1:1650", CALL)
