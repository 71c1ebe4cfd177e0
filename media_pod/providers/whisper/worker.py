"""The recognizer process: `python -m media_pod.providers.whisper.worker SETTINGS`.

Settings: {"path": folder of the model, "language": ISO 639 code}. Request: {"rate_hz": ...} and a
payload of 16-bit PCM at that rate. Answer: {"text": ...}.

Whisper answers noise with sentences of its training data, and long vowels with loops. The limits
below were measured with tiny.en at 8 kHz over mu-law, on speech of three synthetic voices and on
silence, noise from -70 to -20 dBFS, tones, ringing, sirens, music, coughs and typing.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from media_pod.errors import SetupError
from media_pod.providers.worker_child import Fields, Handler, WorkerMessage, run

RATE_HZ = 16_000
"""Sample rate of all Whisper models."""
MAX_NO_SPEECH = 0.7
"""Maximum probability of the token <|nospeech|>: noise had 0.72 to 0.95, words 0.03 to 0.5."""
MIN_LOG_PROBABILITY = -1.5
"""Minimum mean log probability of the tokens: words had -1.3 and more, ringing and sirens, which
<|nospeech|> misses, -2.0 to -1.8."""
TOKENS_PER_S = 12
TOKENS_AT_LEAST = 16
"""Bound of an answer. Fast speech has 6 tokens a second; a loop ends only at the bound."""

_FILES = (
    ("model.bin",),
    ("config.json",),
    ("tokenizer.json",),
    ("vocabulary.json", "vocabulary.txt"),
)
_LOOP = re.compile(r"(.{1,60}?)\1{3,}")
_LONG_LOOP = re.compile(r"(\D{2,60}?)\1{7,}")
"""Nobody says anything but a digit eight times in a row."""


def load(settings: Fields) -> Handler:
    """Load the model; see `worker_child.run`.

    Raises:
        SetupError: the folder is no model, or the model does not know the language.
    """
    folder = Path(settings["path"])
    language = settings["language"]
    _check_files(folder)
    from faster_whisper import WhisperModel

    try:
        model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1
        )
    except (RuntimeError, ValueError, KeyError) as error:
        raise SetupError(
            f"{folder}: {error}; expected a Whisper model converted to CTranslate2"
        ) from error
    if language not in model.supported_languages:
        known = sorted(model.supported_languages)
        raise SetupError(
            f"{folder}: the model does not know the language {language!r}, only {', '.join(known)}"
        )
    return WhisperRecognizer(model, language)


@dataclass(frozen=True, slots=True)
class WhisperRecognizer:
    """Answers requests with a `faster_whisper.WhisperModel`."""

    model: Any
    language: str

    def __call__(self, request: WorkerMessage) -> WorkerMessage:
        samples = np.frombuffer(request.payload, "<i2").astype(np.float32) / 32768
        samples = soxr.resample(samples, request.fields["rate_hz"], RATE_HZ, "HQ")
        max_tokens = TOKENS_AT_LEAST + TOKENS_PER_S * samples.size // RATE_HZ
        segments, _ = self.model.transcribe(
            samples,
            language=self.language,
            beam_size=1,
            temperature=0.0,
            vad_filter=False,
            without_timestamps=True,
            condition_on_previous_text=False,
            # Whisper's own rule needs both limits to be passed; ringing passes one of them.
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
            max_new_tokens=max_tokens,
        )
        texts = (_text(segment, max_tokens) for segment in segments)
        return WorkerMessage({"text": " ".join(text for text in texts if text)})


def _text(segment: Any, max_tokens: int) -> str:
    """What was said in a segment; "" if it is not speech."""
    if segment.no_speech_prob > MAX_NO_SPEECH or segment.avg_logprob < MIN_LOG_PROBABILITY:
        return ""
    text = without_loops(segment.text.strip(), at_bound=len(segment.tokens) >= max_tokens)
    return text if any(sign.isalnum() for sign in text) else ""


def without_loops(text: str, at_bound: bool) -> str:
    """Reduce what is repeated in a row to one: "bye bye bye bye" to "bye".

    Args:
        text: what the model heard.
        at_bound: only the bound ended it. Four repetitions are a loop then, otherwise eight.
    """
    return (_LOOP if at_bound else _LONG_LOOP).sub(r"\1", text).strip()


def _check_files(folder: Path) -> None:
    for names in _FILES:
        if not any((folder / name).is_file() for name in names):
            found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else None
            listed = (
                "no such folder" if found is None else ", ".join(found[:8]) or "an empty folder"
            )
            raise SetupError(
                f"{folder}: found {listed}; expected a CTranslate2 Whisper model: "
                + ", ".join(" or ".join(names) for names in _FILES)
            )


if __name__ == "__main__":
    run(load)
