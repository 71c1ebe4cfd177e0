"""Built-in speech-to-text: pocketsphinx with a small grammar, in its own process. Needs no network.

It recognizes digits, yes and no, a few commands and the parcel desk's streets (`sphinx_grammar`),
and decodes an utterance after its end. It is meant for demonstrations and tests: its model is for
wideband speech, and it recognized 165 of 240 single digits that people recorded at 8 kHz.
"""

import asyncio
import importlib.util

import numpy as np
import soxr

from media_pod.errors import SetupError
from media_pod.providers.builtin.sphinx_worker import RATE_HZ
from media_pod.providers.ports import Pcm, ProviderError
from media_pod.providers.utterance_audio import UtteranceAudio
from media_pod.providers.worker_child import WorkerMessage
from media_pod.providers.worker_pool import WorkerPool
from media_pod.providers.worker_process import WorkerCommand

MAX_UTTERANCE_SECONDS = 20
"""Maximum audio of one utterance; a long number takes 10 s. The rest is dropped."""
DECODE_SECONDS = 5.0
"""Deadline of `finish`, including the wait for a free process: callers expect an answer by then."""
_WORKER = "media_pod.providers.builtin.sphinx_worker"


class SphinxStt:
    """pocketsphinx as an `Stt`; processes start with `start` or with the first utterance."""

    name = "pocketsphinx"
    model = ""

    def __init__(
        self, rate_hz: int, workers: int = 1, deadline_seconds: float = DECODE_SECONDS
    ) -> None:
        """Check that pocketsphinx is installed.

        Args:
            rate_hz: sample rate of the input, 8000 or 16000.
            workers: number of processes; each decodes one utterance at a time and takes 36 MB.
            deadline_seconds: deadline of `finish`.

        Raises:
            SetupError: pocketsphinx is not installed.
            ProviderError: unsupported sample rate.
        """
        if rate_hz not in (8000, 16000):
            raise ProviderError(f"pocketsphinx: audio at {rate_hz} Hz, expected 8000 or 16000")
        if importlib.util.find_spec("pocketsphinx") is None:
            raise SetupError("the recognizer needs pocketsphinx: pip install 'interject[media]'")
        self.rate_hz = rate_hz
        self._deadline_seconds = deadline_seconds
        command = WorkerCommand("pocketsphinx", "recognizer", _WORKER)
        self._pool = WorkerPool(command, workers)

    @property
    def processes(self) -> int:
        """How many utterances are decoded at a time."""
        return self._pool.processes

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the running workers."""
        return self._pool.pids

    async def start(self) -> None:
        """Load the models in advance, to keep the first caller from waiting.

        Raises:
            ProviderError: a process does not start, or its model does not load.
        """
        await self._pool.start()

    async def check(self) -> str:
        """See `Provider.check`."""
        await self.decode(np.zeros(self.rate_hz // 2, np.int16))
        return "the built-in grammar of digits and commands"

    def listen(self) -> "SphinxUtterance":
        """Start an utterance."""
        return SphinxUtterance(self)

    async def aclose(self) -> None:
        """Stop the processes; utterances that are being decoded fail."""
        await self._pool.aclose()

    async def decode(self, pcm: Pcm) -> str:
        """Recognize a whole utterance.

        Raises:
            ProviderError: the deadline passed, or the process died; the process is replaced.
        """
        audio = await asyncio.to_thread(_wideband, pcm, self.rate_hz)
        answer = await self._pool.request(
            WorkerMessage({}, audio),
            self._deadline_seconds,
            f"{pcm.size / self.rate_hz:.1f} s of audio",
        )
        return str(answer.fields["text"])


class SphinxUtterance:
    """One utterance; audio beyond `MAX_UTTERANCE_SECONDS` is dropped."""

    def __init__(self, stt: SphinxStt) -> None:
        self._stt = stt
        self._audio = UtteranceAudio(MAX_UTTERANCE_SECONDS * stt.rate_hz)

    @property
    def partial(self) -> str:
        """ "": an utterance is decoded after its end."""
        return ""

    def feed(self, pcm: Pcm) -> None:
        """Append a copy of `pcm`, up to the limit."""
        self._audio.feed(pcm)

    async def finish(self) -> str:
        """The words in lower case, separated by blanks; see `Utterance.finish`."""
        pcm = self._audio.take().joined()
        return await self._stt.decode(pcm) if pcm.size else ""

    def discard(self) -> None:
        """Drop the audio."""
        self._audio.take()


def _wideband(pcm: Pcm, rate_hz: int) -> bytes:
    samples = soxr.resample(pcm.astype(np.float32), rate_hz, RATE_HZ, "VHQ")
    audio: Pcm = np.clip(np.rint(samples), -32768, 32767).astype("<i2")
    return audio.tobytes()
