"""Estimated word times, against Piper's own durations of its phonemes."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from media_pod.providers.tts.streamed import StreamedClause
from media_pod.providers.tts.voice_profile import VoiceProfile
from rig.voices import VOICE, voice_data

RATE_HZ = 8000
# Sentences in which each written word is one word for Piper too.
TEXTS: Final = (
    "If nobody opens the door, the driver leaves a card.",
    "The depot keeps your parcel for ten days, then it goes back.",
    "I can change the address, but only until tomorrow evening.",
    "Thank you for calling, and have a pleasant day.",
)
SCRIPT: Final = Path(__file__).with_name("piper_durations.py")
STOPS_PER_CLAUSE = 60
Seconds = NDArray[np.float64]


def true_ends(phonemes: list[tuple[str, int]], rate_hz: int) -> Seconds:
    ends, position, voiced = [], 0, 0
    for phoneme, samples in phonemes:
        if phoneme == " ":
            ends.append(position)
        position += samples
        if phoneme not in " ^$.,?!":
            voiced = position
    return np.array([*ends, voiced]) / rate_hz


@pytest.fixture(scope="module")
def durations(voices: Path) -> list[dict[str, Any]]:
    model = voice_data(voices) / f"{VOICE}.onnx"
    done = subprocess.run(
        [str(voices / "bin" / "python"), str(SCRIPT), str(model), *TEXTS],
        capture_output=True,
        check=True,
        timeout=50,
    )
    return list(json.loads(done.stdout))


def test_what_was_heard_is_right_within_a_word(
    durations: list[dict[str, Any]], show: Callable[[str], None]
) -> None:
    profile = VoiceProfile()
    off: list[int] = []
    late_s: list[float] = []
    for text, spoken in zip(TEXTS, durations, strict=True):
        clause = StreamedClause(text, spoken["rate_hz"], RATE_HZ, profile)
        pcm = bytes.fromhex(spoken["pcm"])
        first, last = clause.feed(pcm), clause.finish()
        assert first is not None and last is not None
        # What was trimmed in front is missing from the speech.
        played = (first.pcm.size + last.pcm.size) / RATE_HZ
        trimmed = len(pcm) / 2 / spoken["rate_hz"] - played
        true = true_ends(spoken["phonemes"], spoken["rate_hz"]) - trimmed
        estimated = np.array([word.end_sample for word in last.words]) / RATE_HZ
        assert estimated.size == true.size
        late_s += (estimated - true).tolist()
        for stop in np.linspace(0, played, STOPS_PER_CLAUSE):
            off.append(int((estimated <= stop).sum() - (true <= stop).sum()))
    errors = np.abs(off)
    p50, p95 = np.quantile(errors, (0.5, 0.95))
    show(
        f"heard words at {len(off)} stops: error p50 / p95 {p50:g} / {p95:g} words, "
        f"exact {np.mean(errors == 0):.0%}, within one {np.mean(errors <= 1):.0%}"
    )
    assert np.mean(errors == 0) > 0.6
    assert np.mean(errors <= 1) > 0.95
    assert float(np.median(np.abs(late_s))) < 0.12
