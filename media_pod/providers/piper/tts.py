"""A Piper voice as a `Tts`, by onnxruntime and espeak-ng in processes beside the pod.

piper-tts, the package of the voices' authors, has a licence (GPL-3) that this project cannot ship.
What runs a voice is its model, its description and espeak-ng's phonemes.
"""

import importlib.util
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np

from media_pod.errors import SetupError
from media_pod.manifest.providers import PiperTtsSettings
from media_pod.providers.ports import FailureKind, ProviderError, Speech, Word
from media_pod.providers.tts.espeak_text import readable
from media_pod.providers.tts.sentences import pieces
from media_pod.providers.worker_child import WorkerMessage
from media_pod.providers.worker_pool import WorkerPool
from media_pod.providers.worker_process import WorkerCommand

_WORKER = "media_pod.providers.piper.worker"
_PACKAGES = {"onnxruntime": "onnxruntime", "espeakng_loader": "espeakng-loader"}


class PiperTts:
    """A Piper voice; processes start with `start` or with the first text."""

    def __init__(
        self,
        settings: PiperTtsSettings,
        folder: Path,
        rate_hz: int,
        language: str,
        deadline_s: float,
    ) -> None:
        """Check that the packages are installed.

        Args:
            settings: of the manifest.
            folder: the document's, to which the voice's path is relative.
            rate_hz: sample rate of the speech.
            language: the agent's, a BCP 47 tag; for the rules by which text is cut into sentences.
            deadline_s: maximum time of each clause, including the wait for a free process.

        Raises:
            SetupError: onnxruntime or espeakng-loader is not installed.
        """
        for module, package in _PACKAGES.items():
            if importlib.util.find_spec(module) is None:
                raise SetupError(f"the voice piper needs {package}: pip install 'interject[piper]'")
        self._path = folder / settings.voice_path
        self._rate_hz = rate_hz
        self._language = language.partition("-")[0].lower()
        self._deadline_s = deadline_s
        worker = {"path": str(self._path), "rate_hz": rate_hz, "speed": settings.speed}
        self._pool = WorkerPool(
            WorkerCommand("piper", "voice", _WORKER, worker), settings.processes
        )

    @property
    def name(self) -> str:
        """See `Provider.name`."""
        return "piper"

    @property
    def model(self) -> str:
        """Name of the voice's file, without its suffix."""
        return self._path.stem

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the running workers."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the processes; see `Provider.start`."""
        await self._pool.start()

    async def check(self) -> str:
        """Synthesize a word; see `Provider.check`."""
        speech = await self._say("Hello.")
        return f"piper: {self._path} spoke {speech.pcm.size / self._rate_hz:.1f} s"

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Synthesize `text` clause by clause; see `Tts.speak`."""
        for piece in pieces(readable(text), self._language):
            yield await self._say(piece)

    async def aclose(self) -> None:
        """Stop the processes; texts that are being spoken fail."""
        await self._pool.aclose()

    async def _say(self, text: str) -> Speech:
        answer = await self._pool.request(
            WorkerMessage({"text": text}), self._deadline_s, f"{text[:60]!r}"
        )
        pcm = np.frombuffer(answer.payload, "<i2").astype(np.int16)
        if not pcm.any():
            raise ProviderError(
                f"piper: no sound for {text[:60]!r} from {self._path}", FailureKind.BAD_ANSWER
            )
        words = tuple(Word(str(word), start, end) for word, start, end in answer.fields["words"])
        return Speech(text, pcm, words)
