"""What the recognizer process makes of the model's segments."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from media_pod.providers.whisper.worker import (
    RATE_HZ,
    TOKENS_AT_LEAST,
    TOKENS_PER_S,
    WhisperRecognizer,
    without_loops,
)
from media_pod.providers.worker_child import WorkerMessage


def segment(
    text: str, no_speech: float = 0.1, log_probability: float = -0.3, tokens: int = 5
) -> Any:
    return SimpleNamespace(
        text=text, no_speech_prob=no_speech, avg_logprob=log_probability, tokens=[0] * tokens
    )


class SegmentModel:
    """Returns given segments."""

    def __init__(self, *segments: Any) -> None:
        self.segments = segments
        self.asked: dict[str, Any] = {}

    def transcribe(self, samples: Any, **options: Any) -> tuple[Any, None]:
        self.asked = {"samples": samples.size, **options}
        return iter(self.segments), None


def recognized(*segments: Any, seconds: float = 1) -> Any:
    payload = np.zeros(round(8000 * seconds), "<i2").tobytes()
    answer = WhisperRecognizer(SegmentModel(*segments), "en")(
        WorkerMessage({"rate_hz": 8000}, payload)
    )
    return answer.fields["text"]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (segment(" Where is my parcel?"), "Where is my parcel?"),
        (segment(" Thank you for watching.", no_speech=0.9), ""),
        (segment(" You", log_probability=-1.9), ""),
        (segment(" ..."), ""),
        (segment(" five five five five five"), "five five five five five"),
        (segment(" 0000000000, 000."), "0000000000, 000."),
        (segment(" I see, bye" + " bye" * 40), "I see, bye"),
    ],
)
def test_what_is_no_speech_has_no_text(made: Any, text: str) -> None:
    assert recognized(made) == text


def test_an_answer_that_reaches_its_bound_is_a_loop() -> None:
    bound = TOKENS_AT_LEAST + TOKENS_PER_S * 2
    assert recognized(segment(" No" + ", no" * 30, tokens=bound), seconds=2) == "No, no"
    assert recognized(segment(" A" + "h" * 300, tokens=bound), seconds=2) == "Ah"


def test_segments_are_joined_and_the_model_hears_16_khz() -> None:
    model = SegmentModel(segment(" One."), segment(" You", 0.9), segment(" Two."))
    payload = np.zeros(8000, "<i2").tobytes()
    answer = WhisperRecognizer(model, "de")(WorkerMessage({"rate_hz": 8000}, payload))
    assert answer.fields == {"text": "One. Two."}
    assert model.asked["samples"] == RATE_HZ
    assert model.asked["language"] == "de"


def test_a_text_without_loops_stays_as_it_is() -> None:
    for text in ("My number is 5 5 5 1 2.", "no no no", "", "Ah, yes."):
        assert without_loops(text, at_bound=True) == text
