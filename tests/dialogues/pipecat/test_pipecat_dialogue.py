"""The pod's side of a pipeline: what it sends, and the speech that it makes of the answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from call.doubles import INFO, Unobserved
from media_pod.dialogues.pipecat.dialogue import PipecatDialogue
from media_pod.dialogues.pipecat.link import PipecatLink
from media_pod.dialogues.pipecat.process import PipecatProcess
from media_pod.dialogues.pipecat.turn_speech import TurnSpeech
from media_pod.dialogues.pipecat.wire import (
    MessageDecoder,
    MessageKind,
    encoded,
    encoded_json,
    fields,
)
from media_pod.dialogues.ports import CallerTurn, HangUp, Interruption, Speak
from media_pod.errors import SetupError
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.providers.ports import Pcm, ProviderError, Speech, Word
from media_pod.providers.recognition import Recognition

RATE_HZ = 8000
FRAME = bytes(320)


class StandIn:
    """The process's side of one connection, in the test's hands."""

    def __init__(self) -> None:
        self.received: list[tuple[MessageKind, bytes]] = []
        self.writer: asyncio.StreamWriter | None = None
        self._decoder = MessageDecoder()

    async def on_call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        while data := await reader.read(65536):
            for message in self._decoder.feed(data):
                self.received.append(message)
                if message[0] is MessageKind.START:
                    writer.write(encoded(MessageKind.READY))
        writer.close()

    def send(self, *messages: bytes) -> None:
        assert self.writer is not None
        self.writer.write(b"".join(messages))

    def json_of(self, kind: MessageKind) -> list[dict[str, Any]]:
        return [fields(payload) for found, payload in self.received if found is kind]

    @property
    def kinds(self) -> list[MessageKind]:
        return [kind for kind, _ in self.received]


class ConnectedProcess(PipecatProcess):
    """Connects to a stand-in, without a process."""

    def __init__(self, path: Path) -> None:
        settings = PipecatSettings(kind="pipecat", pipeline="a:b")
        super().__init__(settings, path.parent, RATE_HZ, deadline_s=5.0)
        self._path = path

    async def connect(self, call: dict[str, object]) -> PipecatLink:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        link = PipecatLink(reader, writer, RATE_HZ, self.what)
        await link.open(call)
        return link


async def wait(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[PipecatDialogue, StandIn]]:
    stand_in = StandIn()
    server = await asyncio.start_unix_server(stand_in.on_call, str(folder / "calls"))
    dialogue = PipecatDialogue(ConnectedProcess(folder / "calls"), INFO)
    try:
        await dialogue.open()
        yield dialogue, stand_in
    finally:
        await dialogue.aclose()
        server.close()
        await wait(lambda: stand_in.writer is None or stand_in.writer.is_closing())


def text(number: int, words: str, start: int, end: int) -> bytes:
    place = {"number": number, "text": words, "start": start, "end": end}
    return encoded_json(MessageKind.TEXT, **place)


async def test_the_bots_audio_is_speech_with_words_and_is_taken_one_by_one(tmp_path: Path) -> None:
    async with connected(tmp_path) as (dialogue, pipeline):
        assert pipeline.json_of(MessageKind.START)[0]["uuid"] == INFO.uuid
        audio = np.arange(160, dtype="<i2").tobytes()
        pipeline.send(text(0, "one two", 0, 320), encoded(MessageKind.AUDIO, audio))
        pipeline.send(encoded(MessageKind.AUDIO, FRAME))
        async with aclosing(dialogue.greet()) as acts:
            first, second = await anext(acts), await anext(acts)
        assert isinstance(first, Speak)
        assert isinstance(second, Speak)
        assert np.array_equal(first.speech.pcm, np.arange(160))
        assert not first.speech.continues
        assert second.speech.continues
        assert first.speech.words == (Word("one", 0, 160), Word("two", 160, 320))
        await wait(lambda: len(pipeline.json_of(MessageKind.TAKEN)) == 2)
        assert pipeline.json_of(MessageKind.TAKEN) == [{"samples": 160}] * 2


async def test_an_interruption_tells_what_was_heard_and_drops_the_rest(tmp_path: Path) -> None:
    async with connected(tmp_path) as (dialogue, pipeline):
        loud = encoded(MessageKind.AUDIO, b"\x01" * 320)
        pipeline.send(text(0, "old", 0, 320), loud)
        async with aclosing(dialogue.greet()) as acts:
            await anext(acts)
            pipeline.send(loud)
            dialogue.interrupted(Interruption("one", "two", 40, 40))
        await wait(lambda: MessageKind.INTERRUPT in pipeline.kinds)
        assert pipeline.json_of(MessageKind.INTERRUPT) == [{"heard": "one"}]
        pipeline.send(loud, encoded(MessageKind.SILENCED), encoded(MessageKind.AUDIO, FRAME))
        async with aclosing(dialogue.reply(CallerTurn("", "4#"))) as acts:
            answer = await anext(acts)
        assert isinstance(answer, Speak)
        assert answer.speech.words == ()
        assert not answer.speech.pcm.any()
        assert [each["digit"] for each in pipeline.json_of(MessageKind.DIGIT)] == ["4", "#"]


async def test_the_caller_is_heard_between_the_ends_of_the_turn(tmp_path: Path) -> None:
    async with connected(tmp_path) as (dialogue, pipeline):
        turn = Recognition(dialogue.ears, RATE_HZ)
        turn.feed(np.arange(160, dtype=np.int16))
        assert await turn.finish(Unobserved()) == ""
        await wait(lambda: MessageKind.CALLER_STOPPED in pipeline.kinds)
        assert pipeline.kinds[1:] == [
            MessageKind.CALLER_STARTED,
            MessageKind.AUDIO,
            MessageKind.CALLER_STOPPED,
        ]


async def test_a_turn_that_comes_again_is_heard_once(tmp_path: Path) -> None:
    samples = np.arange(900, dtype=np.int16)
    async with connected(tmp_path) as (dialogue, pipeline):
        first = Recognition(dialogue.ears, RATE_HZ)
        first.feed(samples[:300])
        await first.finish(Unobserved())
        again = Recognition(dialogue.ears, RATE_HZ)
        again.feed(samples[:500])
        again.feed(samples[500:600])
        await again.finish(Unobserved())
        pipeline.send(encoded(MessageKind.AUDIO, FRAME))
        async with aclosing(dialogue.reply(CallerTurn(""))) as acts:
            await anext(acts)
        answered = Recognition(dialogue.ears, RATE_HZ)
        answered.feed(samples[600:])
        await answered.finish(Unobserved())
        await wait(lambda: pipeline.kinds.count(MessageKind.CALLER_STOPPED) == 3)
        heard = b"".join(data for kind, data in pipeline.received if kind is MessageKind.AUDIO)
        assert np.array_equal(np.frombuffer(heard, "<i2"), samples)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (encoded_json(MessageKind.END, error="KeyError: 'x'"), "KeyError: 'x'"),
        (b"\xff" * 5, "expected a message"),
        (encoded(MessageKind.TEXT, b"[]"), "expected a JSON object"),
        (encoded_json(MessageKind.TEXT, number="x", text="", start=0, end=0), "ValueError"),
    ],
)
async def test_what_goes_wrong_in_the_process_is_an_error(
    tmp_path: Path, message: bytes, problem: str
) -> None:
    async with connected(tmp_path) as (dialogue, pipeline):
        pipeline.send(message)
        with pytest.raises(ProviderError, match="pipeline 'a:b'") as raised:
            await anext(dialogue.greet())
        assert problem in str(raised.value)
        with pytest.raises(ProviderError, match="has ended"):
            await Recognition(dialogue.ears, RATE_HZ).finish(Unobserved())


async def test_the_pipelines_own_end_hangs_up(tmp_path: Path) -> None:
    async with connected(tmp_path) as (dialogue, pipeline):
        pipeline.send(encoded_json(MessageKind.END, error=""))
        assert [act async for act in dialogue.greet()] == [HangUp("the pipeline has ended")]


async def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = PipecatSettings(kind="pipecat", pipeline="a:b", python="no/python")
    process = PipecatProcess(settings, tmp_path, RATE_HZ, deadline_s=5.0)
    with pytest.raises(ProviderError, match="no/python: No such file"):
        await process.start()
    await process.aclose()


async def test_without_pipecat_it_says_what_to_install(tmp_path: Path) -> None:
    settings = PipecatSettings(kind="pipecat", pipeline="a:b")
    process = PipecatProcess(settings, tmp_path, RATE_HZ, deadline_s=5.0)
    with pytest.raises(SetupError, match="pip install"):
        await process.start()
    await process.aclose()


def part(speech: TurnSpeech, samples: int = 0) -> Speech:
    pcm: Pcm = np.zeros(samples, np.int16)
    return speech.part(pcm)


def test_a_text_whose_audio_has_not_come_has_a_length_all_the_same() -> None:
    speech = TurnSpeech(RATE_HZ)
    speech.place(0, "hello", 800, 800)
    [word] = part(speech).words
    assert (word.start_sample, word.end_sample) == (800, 800 + (6 * 62 * 8))
    speech.place(0, "hello", 800, 4000)
    assert part(speech).words == (Word("hello", 800, 4000),)
