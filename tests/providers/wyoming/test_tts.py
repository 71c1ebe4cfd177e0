"""A voice of a Wyoming server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import numpy as np
import pytest

from media_pod.manifest.providers import WyomingTtsSettings
from media_pod.providers.builtin.espeak import synthesize
from media_pod.providers.ports import FailureKind, ProviderError, Speech
from media_pod.providers.wyoming.tts import WyomingTts
from providers.wyoming.faulty_server import LINE_HZ, PCM_FORMAT, FaultyServer, Peer, Script

TEXT = "The depot is closed. Come back tomorrow. Or send a letter."
CLAUSES = ["The depot is closed.", "Come back tomorrow.", "Or send a letter."]
VOICE = {text: synthesize(text, 22_050)[0].pcm.tobytes() for text in CLAUSES}


@asynccontextmanager
async def voice(
    script: Script, deadline_s: float = 10, name: str | None = None
) -> AsyncIterator[tuple[WyomingTts, FaultyServer]]:
    async with FaultyServer(script).running() as server:
        settings = WyomingTtsSettings(kind="wyoming", address=server.address, voice=name)
        tts = WyomingTts(settings, LINE_HZ, "en-US", deadline_s)
        yield tts, server
        await tts.aclose()
        await server.has(0)


async def spoken(tts: WyomingTts, text: str = TEXT) -> list[Speech]:
    return [part async for part in tts.speak(text)]


async def piper(peer: Peer) -> None:
    """As wyoming-piper: one request after the other, all on one connection."""
    while True:
        event = await peer.read()
        if event.type == "describe":
            voices = [{"name": "en_US-joe-medium", "languages": ["en_US"]}]
            await peer.write("info", tts=[{"name": "piper", "voices": voices}])
            return
        pcm = VOICE.get(event.data["text"], VOICE[CLAUSES[0]])
        await peer.write("audio-start", **PCM_FORMAT)
        for start in range(0, len(pcm), 2048):
            await peer.write("audio-chunk", pcm[start : start + 2048], **PCM_FORMAT)
        await peer.write("audio-stop", timestamp=None)


def answers(pcm: bytes, **changes: Any) -> Script:
    async def script(peer: Peer) -> None:
        await peer.read()
        await peer.write_audio(pcm, **changes)
        await peer.read_all()

    return script


async def test_clauses_come_one_after_the_other_with_the_times_of_their_words() -> None:
    async with voice(piper) as (tts, _):
        parts = await spoken(tts)
    assert [part.text for part in parts if part.text] == CLAUSES
    assert [bool(part.text) for part in parts] == [not part.continues for part in parts]
    last = [
        part
        for part, after in zip(parts, [*parts[1:], None], strict=True)
        if after is None or after.text
    ]
    assert [" ".join(word.text for word in part.words) for part in last] == CLAUSES
    seconds = sum(len(pcm) for pcm in VOICE.values()) / 2 / 22_050
    assert sum(part.pcm.size for part in parts) == pytest.approx(seconds * LINE_HZ, abs=10)


async def test_one_clause_is_synthesized_ahead_and_no_more() -> None:
    asked: list[str] = []
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            event = await peer.read()
            asked.append(event.data["text"])
            pcm = VOICE[event.data["text"]]
            await peer.write("audio-start", **PCM_FORMAT)
            await peer.write("audio-chunk", pcm[:22_050], **PCM_FORMAT)
            if len(asked) == 1:
                await gate.wait()
            await peer.write("audio-chunk", pcm[22_050:], **PCM_FORMAT)
            await peer.write("audio-stop")

    async with voice(script) as (tts, server), aclosing(tts.speak(TEXT)) as speech:
        assert (await anext(speech)).text == CLAUSES[0]
        assert asked == CLAUSES[:1]
        gate.set()
        while len(asked) < 2:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert asked == CLAUSES[:2]
        await speech.aclose()
        await server.has(1)
        assert asked == CLAUSES[:2]


async def test_a_cancelled_turn_closes_its_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.read_all()

    async with voice(script) as (tts, server):
        turn = asyncio.create_task(spoken(tts))
        await server.has(2)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        await server.has(1)


async def test_each_answer_has_a_sample_rate_of_its_own() -> None:
    async def script(peer: Peer) -> None:
        for rate_hz in (22_050, 44_100, 22_050):
            event = await peer.read()
            pcm = np.frombuffer(VOICE[event.data["text"]], "<i2")
            pcm = np.repeat(pcm, rate_hz // 22_050)
            await peer.write_audio(pcm.tobytes(), rate=rate_hz)
        await peer.read_all()

    async with voice(script) as (tts, _):
        parts = await spoken(tts)
    seconds = sum(len(pcm) for pcm in VOICE.values()) / 2 / 22_050
    assert sum(part.pcm.size for part in parts) == pytest.approx(seconds * LINE_HZ, abs=10)


async def test_several_starts_within_an_answer_are_one_clause() -> None:
    async def script(peer: Peer) -> None:
        await peer.read()
        pcm = VOICE[CLAUSES[0]]
        for piece in (pcm[:9999], pcm[9999:]):
            await peer.write("audio-start", **PCM_FORMAT)
            await peer.write("audio-chunk", piece, **PCM_FORMAT)
        await peer.write("audio-stop")
        await peer.read_all()

    async with voice(script) as (tts, _):
        got = np.concatenate([part.pcm for part in await spoken(tts, CLAUSES[0])])
    async with voice(answers(VOICE[CLAUSES[0]])) as (tts, _):
        expected = np.concatenate([part.pcm for part in await spoken(tts, CLAUSES[0])])
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("text", ["", " ", "... -"])
async def test_nothing_to_say_asks_nothing(text: str) -> None:
    async with voice(piper) as (tts, server):
        assert await spoken(tts, text) == []
        assert server.connections == 0


async def report(peer: Peer) -> None:
    await peer.read()
    await peer.write("error", text="nope", code="VoiceNotFoundError")


async def cut(peer: Peer) -> None:
    await peer.read()
    await peer.write("audio-start", **PCM_FORMAT)
    await peer.write("audio-chunk", VOICE[CLAUSES[0]], **PCM_FORMAT)


async def change(peer: Peer) -> None:
    await peer.read()
    await peer.write("audio-start", **PCM_FORMAT)
    await peer.write("audio-chunk", bytes(4), **PCM_FORMAT | {"rate": 8000})


async def hang(peer: Peer) -> None:
    await peer.read_all()


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        (answers(b""), FailureKind.BAD_ANSWER, "no sound for 'The depot is closed.'"),
        (answers(bytes(40_000)), FailureKind.BAD_ANSWER, "no sound for"),
        (
            answers(bytes(4), width=4),
            FailureKind.BAD_ANSWER,
            r"channels \[4, 1\]; expected \[2, 1\]",
        ),
        (answers(bytes(4), channels=2), FailureKind.BAD_ANSWER, r"\[2, 2\]; expected \[2, 1\]"),
        (answers(bytes(4), rate="x"), FailureKind.BAD_ANSWER, "audio of x Hz"),
        (answers(bytes(4), rate=100), FailureKind.BAD_ANSWER, "sample rate of 100 Hz"),
        (change, FailureKind.BAD_ANSWER, "8000 Hz after 22050 Hz in one clause"),
        (report, FailureKind.NOT_FOUND, "reports 'VoiceNotFoundError nope'"),
        (cut, FailureKind.CUT, "before its answer was whole"),
        (hang, FailureKind.TIMEOUT, r"no audio-start or .* within 0\.2 s"),
    ],
)
async def test_faults_are_told_apart(script: Script, kind: FailureKind, message: str) -> None:
    async with voice(script, 0.2) as (tts, _):
        with pytest.raises(ProviderError, match=rf"wyoming 127.*{message}") as caught:
            await spoken(tts)
        assert caught.value.kind is kind


async def test_no_server_is_unreachable_and_no_failure_of_the_start() -> None:
    async with FaultyServer(hang).running() as server:
        address = server.address
    tts = WyomingTts(WyomingTtsSettings(kind="wyoming", address=address), LINE_HZ, "en", 10)
    await tts.start()
    with pytest.raises(ProviderError, match="no connection") as caught:
        await spoken(tts)
    assert caught.value.kind is FailureKind.UNREACHABLE
    await tts.aclose()


@pytest.mark.parametrize(
    ("name", "asked"),
    [(None, {"language": "en_US"}), ("en_US-joe-medium", {"name": "en_US-joe-medium"})],
)
async def test_the_voice_is_asked_by_its_name_or_else_by_the_language(
    name: str | None, asked: dict[str, str]
) -> None:
    voices: list[Any] = []

    async def script(peer: Peer) -> None:
        if (event := await peer.read()).type == "describe":
            offer = {"name": "en_US-joe-medium", "languages": ["en_US"]}
            await peer.write("info", tts=[{"name": "piper", "voices": [offer]}])
        else:
            voices.append(event.data["voice"])
            await peer.write_audio(VOICE[CLAUSES[0]])

    async with voice(script, name=name) as (tts, _):
        await tts.start()
        await spoken(tts, "Hello.")
    assert voices == [asked]


async def test_check_says_a_word() -> None:
    async with voice(piper) as (tts, _):
        found = await tts.check()
    assert "piper, voice of the server; 'Hello.' became 1." in found


async def test_check_refuses_an_unknown_voice_with_the_nearest() -> None:
    async with voice(piper, name="en_US-jo-medium") as (tts, _):
        with pytest.raises(
            ProviderError, match="no voice 'en_US-jo-medium'; nearest of 1: en_US-joe"
        ):
            await tts.check()
