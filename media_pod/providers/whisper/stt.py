"""Whisper as an `Stt`, by faster-whisper in processes beside the pod.

Whisper does not stream: it recognizes an utterance as a whole, in a window of 30 s, in about the
same time for any length (0.4 s with tiny.en on one core). To hide that time, an utterance is
recognized as soon as the caller pauses, while the pod still waits whether the turn is over.
"""

import asyncio
import importlib.util
from pathlib import Path

import numpy as np

from media_pod.errors import SetupError
from media_pod.manifest.providers import WhisperSttSettings
from media_pod.providers.ports import Pcm
from media_pod.providers.utterance_audio import UtteranceAudio
from media_pod.providers.whisper.pause import PauseDetector
from media_pod.providers.worker_child import WorkerMessage
from media_pod.providers.worker_pool import WorkerPool
from media_pod.providers.worker_process import WorkerCommand

MAX_UTTERANCE_S = 30
"""Maximum audio of one utterance, Whisper's window. The rest is dropped."""
_SILENCE_PEAK = 33
"""Peak of what is silence without asking the model: -60 dBFS, the noise of a quiet line."""
_WORKER = "media_pod.providers.whisper.worker"


class WhisperStt:
    """Whisper as an `Stt`; processes start with `start` or with the first utterance."""

    def __init__(
        self,
        settings: WhisperSttSettings,
        folder: Path,
        rate_hz: int,
        language: str,
        deadline_s: float,
    ) -> None:
        """Check that faster-whisper is installed.

        Args:
            settings: of the manifest.
            folder: the document's, to which the model's path is relative.
            rate_hz: sample rate of the callers' audio.
            language: the agent's, a BCP 47 tag; `settings.language` is preferred.
            deadline_s: maximum time of `finish`, including the wait for a free process.

        Raises:
            SetupError: faster-whisper is not installed.
        """
        if importlib.util.find_spec("faster_whisper") is None:
            raise SetupError(
                "the recognizer whisper needs faster-whisper: pip install 'interject[whisper]'"
            )
        self.rate_hz = rate_hz
        self._path = folder / settings.model_path
        self._deadline_s = deadline_s
        tag = settings.language or language
        worker = {"path": str(self._path), "language": tag.partition("-")[0].lower()}
        self._pool = WorkerPool(
            WorkerCommand("whisper", "recognizer", _WORKER, worker), settings.processes
        )

    @property
    def name(self) -> str:
        """See `Provider.name`."""
        return "whisper"

    @property
    def model(self) -> str:
        """Name of the model's folder."""
        return self._path.name

    @property
    def has_idle(self) -> bool:
        """Whether a process has nothing to do."""
        return self._pool.has_idle

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the running workers."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the processes; see `Provider.start`."""
        await self._pool.start()

    async def check(self) -> str:
        """Transcribe half a second of silence; see `Provider.check`."""
        text = await self.decode(np.zeros(self.rate_hz // 2, np.int16))
        heard = f"heard {text!r} in" if text else "heard nothing in"
        return f"whisper: {self._path} {heard} 0.5 s of silence"

    def listen(self) -> "WhisperUtterance":
        """Start an utterance."""
        return WhisperUtterance(self)

    async def aclose(self) -> None:
        """Stop the processes; utterances that are being recognized fail."""
        await self._pool.aclose()

    async def decode(self, pcm: Pcm) -> str:
        """Recognize `pcm`, at most `MAX_UTTERANCE_S` of audio.

        Raises:
            ProviderError: the deadline passed, the process failed, or the model is not usable.
        """
        answer = await self._pool.request(
            WorkerMessage({"rate_hz": self.rate_hz}, pcm.astype("<i2").tobytes()),
            self._deadline_s,
            f"{pcm.size / self.rate_hz:.1f} s of audio",
        )
        return str(answer.fields["text"])


class WhisperUtterance:
    """One utterance; audio beyond `MAX_UTTERANCE_S` is dropped."""

    def __init__(self, stt: WhisperStt) -> None:
        self._stt = stt
        self._audio = UtteranceAudio(MAX_UTTERANCE_S * stt.rate_hz)
        self._pause = PauseDetector(stt.rate_hz)
        self._early: asyncio.Task[str] | None = None

    @property
    def partial(self) -> str:
        """In a pause, the words before it, once they are recognized; "" at any other time.

        Not kept when the caller goes on: half of a sentence must not end the turn of the whole.
        """
        early = self._early
        if early is None or not early.done() or early.cancelled() or early.exception():
            return ""
        return early.result()

    def feed(self, pcm: Pcm) -> None:
        """Append a copy of `pcm`, up to the limit; in a pause, begin to recognize what there is."""
        taken = self._audio.feed(pcm)
        if not taken.size:
            return
        self._pause.push(taken)
        if not self._pause.is_paused:
            self._drop_early()
        elif self._early is None and self._stt.has_idle:
            self._early = asyncio.create_task(self._stt.decode(self._audio.joined()))
            self._early.add_done_callback(_mark_seen)

    async def finish(self) -> str:
        """The text, with punctuation; see `Utterance.finish`."""
        audio, early = self._audio.take(), self._early
        self._early = None
        if early is not None:
            return await early
        pcm = audio.joined()
        if not pcm.size or np.abs(pcm.astype(np.int32)).max() <= _SILENCE_PEAK:
            return ""
        return await self._stt.decode(pcm)

    def discard(self) -> None:
        """Drop the audio, and what is being recognized."""
        self._audio.take()
        self._drop_early()

    def _drop_early(self) -> None:
        if self._early is not None:
            self._early.cancel()
            self._early = None


def _mark_seen(task: asyncio.Task[str]) -> None:
    """The failure of an utterance that was discarded is nobody's."""
    if not task.cancelled():
        task.exception()
