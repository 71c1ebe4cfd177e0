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
from media_pod.providers.builtin.sphinx_process import RecognizerProcess
from media_pod.providers.builtin.sphinx_worker import RATE_HZ
from media_pod.providers.ports import Pcm, ProviderError

MAX_UTTERANCE_SECONDS = 20
"""Maximum audio of one utterance; a long number takes 10 s. The rest is dropped."""
DECODE_SECONDS = 5.0
"""Deadline of `finish`, including the wait for a free process: callers expect an answer by then."""


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
            workers: number of processes; each decodes one utterance at a time and takes 30 MB.
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
        self._processes = [RecognizerProcess() for _ in range(workers)]
        self._idle: asyncio.Queue[RecognizerProcess] = asyncio.Queue()
        for process in self._processes:
            self._idle.put_nowait(process)
        self._closed = False

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the running workers."""
        return [pid for process in self._processes if (pid := process.pid) is not None]

    async def start(self) -> None:
        """Load the models in advance, to keep the first caller from waiting.

        Raises:
            ProviderError: a process does not start, or its model does not load.
        """
        for process in self._processes:
            await process.start()

    async def check(self) -> str:
        """See `Provider.check`."""
        await self.decode(np.zeros(self.rate_hz // 2, np.int16))
        return "the built-in grammar of digits and commands"

    def listen(self) -> "SphinxUtterance":
        """Start an utterance."""
        return SphinxUtterance(self)

    async def aclose(self) -> None:
        """Stop the processes; utterances that are being decoded fail."""
        self._closed = True
        for process in self._processes:
            await process.stop()

    async def decode(self, pcm: Pcm) -> str:
        """Recognize a whole utterance.

        Raises:
            ProviderError: the deadline passed, or the process died; the process is replaced.
        """
        if self._closed:
            raise ProviderError("pocketsphinx: the recognizer is closed")
        audio = await asyncio.to_thread(_wideband, pcm, self.rate_hz)
        process: RecognizerProcess | None = None
        try:
            async with asyncio.timeout(self._deadline_seconds):
                process = await self._idle.get()
                return await process.decode(audio)
        except TimeoutError as error:
            if process is not None:
                await process.stop()
            raise ProviderError(
                f"pocketsphinx: no answer within {self._deadline_seconds:g} s "
                f"to {pcm.size / self.rate_hz:.1f} s of audio"
            ) from error
        finally:
            if process is not None:
                self._idle.put_nowait(process)


class SphinxUtterance:
    """One utterance; audio beyond `MAX_UTTERANCE_SECONDS` is dropped."""

    partial = ""
    """It is recognized as a whole."""

    def __init__(self, stt: SphinxStt) -> None:
        self._stt = stt
        self._chunks: list[Pcm] = []
        self._room = MAX_UTTERANCE_SECONDS * stt.rate_hz

    def feed(self, pcm: Pcm) -> None:
        """Append a copy of `pcm`, up to the limit."""
        taken = pcm[: self._room].copy()
        if taken.size:
            self._chunks.append(taken)
            self._room -= taken.size

    async def finish(self) -> str:
        """The words in lower case, separated by blanks; see `Utterance.finish`."""
        chunks, self._chunks = self._chunks, []
        self._room = 0
        return await self._stt.decode(np.concatenate(chunks)) if chunks else ""

    def discard(self) -> None:
        """Drop the audio."""
        self._chunks = []
        self._room = 0


def _wideband(pcm: Pcm, rate_hz: int) -> bytes:
    samples = soxr.resample(pcm.astype(np.float32), rate_hz, RATE_HZ, "VHQ")
    audio: Pcm = np.clip(np.rint(samples), -32768, 32767).astype("<i2")
    return audio.tobytes()
