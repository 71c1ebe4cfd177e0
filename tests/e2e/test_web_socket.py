"""A whole pod over WebSocket: a call, an interruption that is flushed, and what was heard."""

import asyncio
import socket
from collections.abc import Callable
from uuid import UUID

import numpy as np
import pytest
from pod_on_sockets import LONG, ONE, SHORT, TWO, Running, manifest, no_recognizer, running

from asterisk_web_socket import AUDIO, START, WebSocketAsterisk
from media_pod.call.call import Call
from media_pod.call.transcript import TranscriptEntry
from media_pod.calls.registry import Leg
from media_pod.duplex.contract import Step
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.providers import EspeakTtsSettings
from media_pod.providers.builtin.espeak import EspeakTts
from media_pod.providers.ports import Pcm, Speech
from media_pod.transport.websocket.playback import SEND_AHEAD

__all__ = ["no_recognizer"]
pytestmark = pytest.mark.usefixtures("no_recognizer")


def agent(script: list[dict[str, object]], **spec: object) -> VoiceAgent:
    server = {"webSocketPort": 0}
    return manifest(script, line={"transport": "webSocket"}, server=server, **spec)


class Asterisk(WebSocketAsterisk):
    """One WebSocket as chan_websocket holds it, but for its timer and the caller's audio."""

    def __init__(self, sock: socket.socket, uuid: UUID) -> None:
        super().__init__(uuid)
        self.sock = sock
        self._reported = 0
        """Entries of the log of which all marks have been reported."""

    @classmethod
    async def connect(cls, pod: Running, uuid: UUID) -> "Asterisk":
        """The answer to the upgrade is here; a call that is let in has begun."""
        sock = socket.socket()
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", pod.addresses.audio_port))
        asterisk = cls(sock, uuid)
        await asterisk.send(asterisk.request())
        await asterisk.until(lambda: asterisk.response)
        if asterisk.status == 101:
            await asterisk.send(asterisk.says(START, AUDIO))
        return asterisk

    @classmethod
    async def call(cls, pod: Running, uuid: UUID) -> "Asterisk":
        await pod.reserve(uuid)
        return await cls.connect(pod, uuid)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def until(self, true: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while not true():
                # One frame is sent at a time, so that this stops between two.
                data = await loop.sock_recv(self.sock, 324)
                self.take(data)
                assert data, "the pod closed"
                await self._report()

    async def _report(self) -> None:
        """Report the marks whose frames have left a queue of `SEND_AHEAD`."""
        for place, entry in enumerate(self.log[self._reported :], self._reported):
            if entry == "frame":
                continue
            if entry.startswith("MARK_MEDIA"):
                behind = self.log[place:]
                if "FLUSH_MEDIA" not in behind and behind.count("frame") <= SEND_AHEAD:
                    return
                if "FLUSH_MEDIA" not in behind:
                    mark = entry.removeprefix("MARK_MEDIA ")
                    event: dict[str, object] = {
                        "event": "MEDIA_MARK_PROCESSED",
                        "correlation_id": mark,
                    }
                    await self.send(self.says(event))
            self._reported = place + 1

    def sound(self) -> list[bool]:
        """Of each frame: if it has any."""
        return [any(frame) for frame in self.frames]

    async def hears_the_bot(self, frames: int = 1) -> None:
        await self.until(lambda: sum(self.sound()) >= frames)

    async def hears_the_end(self) -> None:
        await self.until(lambda: self.close_code)
        self.sock.close()


async def test_a_call_from_its_reservation_to_the_bot_s_goodbye() -> None:
    async with running(agent(SHORT)) as pod:
        assert pod.addresses.audio_protocol == "WebSocket"
        asterisk = await Asterisk.call(pod, ONE)
        await asterisk.hears_the_bot()
        assert await pod.active_calls() == 1

        await asterisk.hears_the_end()

        assert {len(frame) for frame in asterisk.frames} == {320}
        assert asterisk.log[:2] == ["MARK_MEDIA 1", "frame"]
        assert (asterisk.commands[-1], asterisk.close_code) == ("HANGUP", 1000)
        assert not any(asterisk.sound()[-SEND_AHEAD:]), "the goodbye had left the queue"
        assert await pod.get("/api/call-next", uuid=str(ONE)) == (200, "done")
        await pod.until_free()


async def test_a_call_that_was_not_announced_is_refused() -> None:
    async with running(agent(SHORT)) as pod:
        asterisk = await Asterisk.connect(pod, TWO)

        assert asterisk.status == 503
        assert asterisk.response is not None
        assert b"has no reservation" in asterisk.response.body
        asterisk.sock.close()


async def test_a_call_that_vanishes_may_come_again_and_others_do_not_notice() -> None:
    async with running(agent(LONG)) as pod:
        one, two = await Asterisk.call(pod, ONE), await Asterisk.call(pod, TWO)
        await one.hears_the_bot()
        one.sock.close()
        while await pod.active_calls() == 2:
            pass
        await two.hears_the_bot(frames=20)

        status, address = await pod.get("/api/call-next", uuid=str(ONE))
        assert (status, address) == (200, f"127.0.0.1:{pod.addresses.audio_port}")
        again = await Asterisk.connect(pod, ONE)
        await again.hears_the_bot()
        again.sock.close()
        two.sock.close()


class Onlooker:
    """Keeps the calls, for their transcripts."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}

    def step(self, legs: dict[int, Leg], caller: Pcm, played: Pcm, step: Step) -> None:
        for leg in legs.values():
            self.calls[leg.call.info.uuid] = leg.call

    async def cut(self, uuid: UUID) -> TranscriptEntry:
        """The turn that was interrupted."""
        async with asyncio.timeout(5):
            while True:
                entries = self.calls[str(uuid)].transcript.entries
                if cut := [entry for entry in entries if entry.cut]:
                    return cut[0]
                await asyncio.sleep(0)


async def spoken(spec: VoiceAgent, text: str) -> list[Speech]:
    """What the pod's voice makes of `text`."""
    settings = spec.spec.tts
    assert isinstance(settings, EspeakTtsSettings)
    tts = EspeakTts(spec.spec.line.rate_hz, settings.voice, settings.words_per_minute)
    speeches = [speech async for speech in tts.speak(text)]
    await tts.aclose()
    return speeches


def words_heard(speeches: list[Speech], samples: int) -> int:
    """How many words are over after so many samples."""
    begins = np.cumsum([0, *[speech.pcm.size for speech in speeches]])
    return sum(
        begin + word.end_sample <= samples
        for begin, speech in zip(begins.tolist(), speeches, strict=False)
        for word in speech.words
    )


@pytest.mark.parametrize("frames", [1, 40, 77])
async def test_a_digit_flushes_what_is_queued_and_what_was_heard_is_true(frames: int) -> None:
    onlooker = Onlooker()
    spec = agent(LONG)
    text = str(LONG[0]["say"])
    async with running(spec, tap=onlooker) as pod:
        asterisk = await Asterisk.call(pod, ONE)
        await asterisk.hears_the_bot(frames)
        sent = len(asterisk.frames)
        await asterisk.send(asterisk.says({"event": "DTMF_END", "digit": "5"}))
        await asterisk.until(lambda: "FLUSH_MEDIA" in asterisk.commands)
        flushed = asterisk.log[: asterisk.log.index("FLUSH_MEDIA")].count("frame")
        await asterisk.until(lambda: len(asterisk.frames) >= flushed + SEND_AHEAD + 1)
        line = await onlooker.cut(ONE)
        asterisk.sock.close()

    assert flushed - sent <= SEND_AHEAD + 1, "one tick's frames at most"
    assert not any(asterisk.sound()[flushed + 1 :]), "the first fades out"
    assert f"{line.heard} {line.unheard}".split() == text.split()
    speeches = await spoken(spec, text)
    quiet_frames = int(np.flatnonzero(speeches[0].pcm)[0]) // 160
    first_frame = asterisk.sound().index(True) - quiet_frames
    # Besides what was queued, one frame may have been on its way out: it does not count as heard.
    left = (flushed - SEND_AHEAD - 1 - first_frame) * 160
    # espeak-ng never says a sentence twice in quite the same time.
    least, most = (words_heard(speeches, left + samples) for samples in (-200, 200))
    assert least <= len(line.heard.split()) <= most
