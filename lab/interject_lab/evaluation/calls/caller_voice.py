"""The scripted caller's voice: espeak-ng, a Piper voice, or recordings."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from interject_lab.audio_files import read_audio
from interject_lab.evaluation.scenario.steps import ScenarioStep
from media_pod.errors import SetupError
from media_pod.manifest.providers import PiperTtsSettings
from media_pod.providers.builtin.espeak import synthesize
from media_pod.providers.piper.tts import PiperTts
from media_pod.providers.ports import Pcm, Speech, Word
from media_pod.providers.tts.spoken_words import spoken_words, word_times

ESPEAK_VOICE: Final = "en-gb+f4"
_SYNTHESIS_S: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class CallerSpeech:
    """What the caller says in one step."""

    text: str
    pcm: Pcm
    words: tuple[Word, ...]


async def caller_speech(
    steps: Sequence[ScenarioStep], folder: Path, rate_hz: int, voice: Path | None
) -> dict[int, CallerSpeech]:
    """The speech of each step that has some, by its number.

    Args:
        steps: of the scenario.
        folder: what recordings are relative to.
        rate_hz: of the line.
        voice: a Piper voice; None for espeak-ng.

    Raises:
        SetupError: a file cannot be read, or a text has nothing that can be spoken.
        ProviderError: the voice does not load.
    """
    piper = None
    if voice is not None:
        settings = PiperTtsSettings(kind="piper", voice_path=str(voice))
        piper = PiperTts(settings, Path(), rate_hz, "en", _SYNTHESIS_S)
    made = {}
    try:
        for number, step in enumerate(steps):
            if step.audio_file is not None:
                path = folder / step.audio_file
                made[number] = await asyncio.to_thread(_recorded, step.text, path, rate_hz)
            elif step.text and piper is not None:
                async with aclosing(piper.speak(step.text)) as pieces:
                    made[number] = _joined(step.text, [piece async for piece in pieces])
            elif step.text:
                spoken = await asyncio.to_thread(synthesize, step.text, rate_hz, ESPEAK_VOICE)
                made[number] = _joined(step.text, spoken)
    finally:
        if piper is not None:
            await piper.aclose()
    return made


def _recorded(text: str, path: Path, rate_hz: int) -> CallerSpeech:
    pcm = read_audio(path, rate_hz)
    return CallerSpeech(text, pcm, word_times(spoken_words(text), 0, pcm.size))


def _joined(text: str, pieces: Sequence[Speech]) -> CallerSpeech:
    if not pieces:
        raise SetupError(f"no speech in {text!r}: expected some words")
    words, begin = [], 0
    for piece in pieces:
        words += [
            Word(word.text, begin + word.start_sample, begin + word.end_sample)
            for word in piece.words
        ]
        begin += piece.pcm.size
    return CallerSpeech(text, np.concatenate([piece.pcm for piece in pieces]), tuple(words))
