"""The voice process: `python -m media_pod.providers.piper.worker SETTINGS`.

Settings: {"path": the voice's .onnx file, "rate_hz": the line's, "speed": ...}. Request: {"text": a
clause}. Answer: {"words": [[text, start_sample, end_sample], ...]} and a payload of 16-bit PCM at
the line's rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from media_pod.errors import SetupError
from media_pod.providers.builtin.espeak_engine import Engine, PhonemeClause, engine
from media_pod.providers.piper.graph import ModelAudio, PiperGraph
from media_pod.providers.piper.pronunciation import pronounce
from media_pod.providers.piper.voice_file import VoiceFile, read_voice_file
from media_pod.providers.piper.word_times import PhonemeSpan, timed_words
from media_pod.providers.ports import Pcm, ProviderError, Word
from media_pod.providers.tts.level import audible, frame_power, frame_samples, levelled
from media_pod.providers.tts.spoken_words import spoken_words, word_times
from media_pod.providers.worker_child import Fields, Handler, WorkerMessage, run


def load(settings: Fields) -> Handler:
    """Load the voice; see `worker_child.run`.

    Raises:
        SetupError: a file or a package is missing, or the voice is not usable.
    """
    path = Path(settings["path"])
    voice = read_voice_file(path)
    espeak = engine()
    try:
        espeak_voice = espeak.resolve(voice.espeak_voice)
    except ProviderError as error:
        raise SetupError(f"{path}.json: {error}") from error
    return _LoadedVoice(
        voice, PiperGraph(path), espeak, espeak_voice, settings["rate_hz"], settings["speed"]
    )


@dataclass(frozen=True, slots=True)
class _LoadedVoice:
    voice: VoiceFile
    graph: PiperGraph
    espeak: Engine
    espeak_voice: str
    rate_hz: int
    speed: float

    def __call__(self, request: WorkerMessage) -> WorkerMessage:
        text: str = request.fields["text"]
        phonemes = self._pronounce(text)
        ids, starts = self.voice.encode(phonemes)
        made = self.graph.run(
            ids, self.voice.noise_scale, self.voice.length_scale / self.speed, self.voice.noise_w
        )
        samples = soxr.resample(made.samples * 32768, self.voice.rate_hz, self.rate_hz, "HQ")
        pcm = levelled(samples, self.rate_hz)
        words = self._words(text, phonemes, starts, made, pcm)
        return WorkerMessage(
            {"words": [(word.text, word.start_sample, word.end_sample) for word in words]},
            pcm.astype("<i2").tobytes(),
        )

    def _pronounce(self, text: str) -> str:
        return pronounce(text, self._phonemize)

    def _phonemize(self, text: str) -> Sequence[PhonemeClause]:
        return self.espeak.phonemes(text, self.espeak_voice)

    def _words(
        self, text: str, phonemes: str, starts: Sequence[int], made: ModelAudio, pcm: Pcm
    ) -> tuple[Word, ...]:
        words = spoken_words(text)
        if made.ends is None:
            loud = np.flatnonzero(audible(frame_power(pcm.astype(np.float32), self.rate_hz)))
            frame = frame_samples(self.rate_hz)
            if not loud.size:
                return ()
            return word_times(words, int(loud[0]) * frame, min(pcm.size, int(loud[-1] + 1) * frame))
        scale = self.rate_hz / self.voice.rate_hz
        # The audio of id n is between the ends of n - 1 and n; two ids, at least, come before.
        edges = np.minimum(np.rint(made.ends * scale).astype(int), pcm.size).tolist()
        after = [*starts[1:], len(edges) - 1]
        spans = [
            PhonemeSpan(phoneme, edges[start - 1], edges[following - 1])
            for phoneme, start, following in zip(phonemes, starts, after, strict=True)
        ]
        return timed_words(words, spans, self._pronounce)


if __name__ == "__main__":
    run(load)
