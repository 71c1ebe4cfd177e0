import asyncio
import json
import math
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from numpy.typing import NDArray

from interject_lab.call_record import UNDERRUN, CallRecord, Spoken
from interject_lab.errors import LabError
from interject_lab.scoring.call_summary import as_text, stop_samples, summarize
from interject_lab.single_call import CallPlan, WatchedCaller, call, save_stereo
from interject_lab.telephones.caller import Cue, PlannedUtterance
from media_pod.cli import cli
from media_pod.errors import SetupError
from media_pod.transport.audiosocket.frames import Decoder, Frame, FrameKind, encode

CALL = UUID("0b0e9c1e-6f6b-4a0e-9a6b-3d4f1c2b5a69")
TICK_NS = 20_000_000
RATE_HZ = 8000
LOUD = 3000

Pcm = NDArray[np.int16]
Actions = tuple[tuple[float, str], ...]


def plan(
    seconds: float = 1.0, says: Actions = (), plays: Actions = (), dtmf: Actions = ()
) -> CallPlan:
    return CallPlan(
        rate_hz=RATE_HZ,
        erl_db=math.inf,
        delay_ms=60.0,
        path="hybrid",
        noise_dbfs=-65.0,
        seconds=seconds,
        says=says,
        plays=plays,
        dtmf=dtmf,
        seed=1,
    )


def talk(*spans_s: tuple[float, float], seconds: float = 10.0) -> Pcm:
    pcm = np.zeros(round(seconds * RATE_HZ), np.int16)
    for start_s, end_s in spans_s:
        pcm[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] = LOUD
    return pcm


def spoken(start_s: float, end_s: float) -> Spoken:
    return Spoken("wait", round(start_s * RATE_HZ), round(end_s * RATE_HZ), interrupts=True)


def record(bot: Pcm, *said: Spoken) -> CallRecord:
    """A call in which the bot's frames come on time, and are played from the third tick on."""
    ticks = bot.size // 160
    times_ns = np.arange(ticks, dtype=np.int64) * TICK_NS
    played = (np.arange(ticks, dtype=np.int64) - 2) * 160
    played[:2] = UNDERRUN
    return CallRecord(
        rate_hz=RATE_HZ,
        caller=np.full(bot.size, 7, np.int16),
        bot=bot,
        caller_sent_ns=times_ns,
        bot_arrived_ns=times_ns,
        bot_played_sample=played,
        line_delay_ms=np.zeros(ticks, np.float32),
        spoken=said,
        ended="the caller hung up",
    )


def test_a_bot_that_falls_silent_for_the_caller_has_stopped() -> None:
    seen = summarize(record(talk((1, 3.2), (6, 8)), spoken(3, 4)))
    (each,) = seen.interruptions
    assert each.onset_to_silence_ms == pytest.approx(200)
    assert (seen.stops, seen.bot_turns) == (1, 2)
    assert seen.bot_speech_s == pytest.approx(4.2)


@pytest.mark.parametrize(
    "bot",
    [
        talk((1, 8)),
        talk((1, 3.2), (3.4, 8)),
        talk((1, 3.2), (3.8, 8)),
    ],
    ids=["no pause", "a breath", "a pause, and on while the caller talks"],
)
def test_a_bot_that_goes_on_while_the_caller_talks_has_not(bot: Pcm) -> None:
    seen = summarize(record(bot, spoken(3, 4)))
    assert seen.stops == 0
    assert [each.onset_to_silence_ms for each in seen.interruptions] == [None]


def test_silence_after_one_and_a_half_seconds_is_no_answer() -> None:
    assert stop_samples(record(talk((1, 5)), spoken(3, 4))) == []


def test_a_bot_with_nothing_more_to_say_was_not_interrupted() -> None:
    spoke_after = Spoken("yes", 5 * RATE_HZ, 6 * RATE_HZ, interrupts=False)
    assert summarize(record(talk((1, 4)), spoke_after)).interruptions == ()


def test_underruns_count_from_the_first_frame_that_was_played_on() -> None:
    made = record(talk((0, 2)))
    assert summarize(made).underruns == 0
    made.bot_played_sample[[50, 51, 80]] = UNDERRUN
    assert summarize(made).underruns == 3


def test_the_table_names_each_interruption() -> None:
    text = as_text(summarize(record(talk((1, 3.2)), spoken(3, 4), spoken(6, 7))))
    assert "3.00 s  wait: silent 200 ms after the onset" in text
    assert "10.0 s; the caller hung up" in text


def test_events_are_reported_while_they_happen() -> None:
    events: list[tuple[float, str]] = []
    plan = [PlannedUtterance("wait", talk((0, 0.5), seconds=0.5), Cue.AT, 0.4)]
    caller = WatchedCaller(plan, RATE_HZ, lambda at_s, what: events.append((round(at_s, 2), what)))
    for tick in range(100):
        caller.step(bot_is_speaking=10 <= tick < 30)
    assert events == [
        (0.0, "connected"),
        (0.2, "bot speaks"),
        (0.4, "caller speaks over the bot: wait"),
        (0.9, "caller silent"),
        (0.6, "bot silent, after 0.40 s"),
    ]


def test_the_recording_has_the_caller_left_and_the_bot_right(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    made = record(talk((0, 10)))
    save_stereo(path, made)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.all(both[:, 0] == 7)
    assert np.all(both[400:, 1] == LOUD)
    with pytest.raises(SetupError, match=r"cannot write .*: No such file or directory"):
        save_stereo(tmp_path / "none" / "call.wav", made)


class Bot:
    """Talks until a digit comes, one frame for each of the caller's."""

    def __init__(self) -> None:
        self.received: list[Frame] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder, level = Decoder(), LOUD
        while data := await reader.read(4096):
            for frame in decoder.feed(data):
                self.received.append(frame)
                level = 0 if frame.kind is FrameKind.DTMF else level
                if frame.rate_hz:
                    sound = np.full(160, level, "<i2").tobytes()
                    writer.write(encode(Frame(FrameKind.SLIN, sound)))
        writer.close()


@asynccontextmanager
async def pod(bot: Bot) -> AsyncIterator[str]:
    audio = await asyncio.start_server(bot, "127.0.0.1", 0)
    port = audio.sockets[0].getsockname()[1]

    async def start(request: web.Request) -> web.Response:
        assert request.query["uuid"] == str(CALL)
        return web.Response(text=f"127.0.0.1:{port}")

    app = web.Application()
    app.router.add_get("/api/call-start", start)
    async with audio, TestServer(app) as api:
        yield f"{api.host}:{api.port}"


async def test_a_call_asks_for_room_and_follows_its_plan(tmp_path: Path) -> None:
    events: list[str] = []
    path = tmp_path / "hello.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(talk((0, 0.2), seconds=0.2).astype("<i2").tobytes())
    bot = Bot()
    call_plan = plan(plays=((0.2, str(path)),), dtmf=((0.3, "4#"),))
    async with pod(bot) as address:
        made = await call(address, call_plan, CALL, lambda at_s, what: events.append(what))
    assert bot.received[0] == Frame(FrameKind.UUID, CALL.bytes)
    digits = [frame.digit for frame in bot.received if frame.kind is FrameKind.DTMF]
    assert digits == ["4", "#"]
    assert events[0].startswith("the pod reserved a slot: AudioSocket at 127.0.0.1:")
    assert events[1:4] == ["connected", "bot speaks", "caller speaks over the bot: hello.wav"]
    seen = summarize(made)
    assert seen.ended == "the caller hung up"
    assert seen.stops == 1
    json.dumps(seen.as_dict(), allow_nan=False)


@pytest.mark.parametrize("address", ["localhost", "host:", "http://h:1", "h:x", "h:1/api", ""])
async def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(LabError, match=r"expected HOST:PORT of the pod's API, usually port 1650"):
        await call(address, plan(), CALL, lambda at_s, what: None)


async def test_a_recording_that_is_not_there_is_named() -> None:
    with pytest.raises(SetupError, match=r"none\.wav: No such file or directory"):
        await call("h:1", plan(plays=((1.0, "none.wav"),)), CALL, lambda at_s, what: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--say", "hello"], "'--say': 'hello', expected SECONDS:TEXT, such as 3.5:hello"),
        (["--say=-1:hello"], "expected SECONDS:TEXT"),
        (["--play", "inf:a.wav"], "expected SECONDS:WAV, such as 3.5:hello.wav"),
        (["--dtmf", "1:4x"], "'1:4x', expected SECONDS:DIGITS, such as 3.5:42#"),
        (["--erl-db", "nan"], "'nan', expected a number of dB, or none for no echo"),
        (["--path", "cave"], "'cave' is not one of 'hybrid', 'room'"),
        (["--delay-ms", "3000"], "3000.0 is not in the range 0<=x<=2000"),
    ],
)
def test_wrong_options_say_what_is_right(options: list[str], message: str) -> None:
    result = CliRunner().invoke(cli, ["call", "127.0.0.1:1", *options])
    assert result.exit_code == 2
    assert message in result.output
