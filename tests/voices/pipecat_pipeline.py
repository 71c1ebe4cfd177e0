"""A pipecat pipeline with local services of its own, as `test_pipecat` puts it behind a call.

Its recognizer hears every turn as `turn N`, its model gives fixed answers, its voice is a tone of
200 ms for each word. What the model is shown goes to the file that CONTEXTS names.
"""

import io
import json
import os
import wave
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import numpy as np
from pipecat.frames.frames import (
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies

from media_pod.dialogues.pipecat.transport import InterjectTransport

RATE_HZ = 24_000
SHORTEST_S = 0.9
"""Of a turn with its trailing silence, which pipecat adds 0.5 s to."""
ANSWERS = (
    "One two three four five six seven eight nine ten.",
    "All right. You are welcome.",
    "Goodbye.",
)


print("A pipeline may print.")  # noqa: T201 - as users' pipelines do


def note(messages: Sequence[object]) -> None:
    with Path(os.environ["CONTEXTS"]).open("a") as file:
        file.write(json.dumps(messages) + "\n")


class TurnCounter(SegmentedSTTService):
    """Hears each utterance as `turn N`, as a recognizer that needs the whole of it."""

    turns = 0

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        with wave.open(io.BytesIO(audio)) as file:
            assert file.getnframes() > SHORTEST_S * file.getframerate(), "it gets the audio"
        self.turns += 1
        yield TranscriptionFrame(f"turn {self.turns}", "caller", "now")


class Keys(FrameProcessor):
    """A key is answered by the voice at once, and 9 ends the pipeline."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, InputDTMFFrame):
            await self.push_frame(TTSSpeakFrame(f"You keyed {frame.button.value}."))
            if frame.button.value == "9":
                await self.push_frame(EndWorkerFrame())


class FixedAnswers(FrameProcessor):
    """Answers in order."""

    answered = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        note(frame.context.get_messages())
        answer = ANSWERS[self.answered]
        self.answered += 1
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(answer))
        await self.push_frame(LLMFullResponseEndFrame())


class Tones(TTSService):
    """A tone for each word, all at once; no word times."""

    def __init__(self) -> None:
        super().__init__(sample_rate=RATE_HZ, push_start_frame=True, push_stop_frames=True)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        for _ in text.split():
            pcm = np.full(RATE_HZ * 200 // 1000, 8000, np.int16)
            pcm[-RATE_HZ * 40 // 1000 :] = 0
            yield TTSAudioRawFrame(pcm.tobytes(), RATE_HZ, 1, context_id=context_id)


def make(transport: InterjectTransport) -> Pipeline:
    """The pipeline of one call."""
    turns = LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    context = LLMContextAggregatorPair(LLMContext(), user_params=turns)
    return Pipeline(
        [
            transport.input(),
            TurnCounter(),
            Keys(),
            context.user(),
            FixedAnswers(),
            Tones(),
            transport.output(),
            context.assistant(),
        ]
    )


def break_down(transport: InterjectTransport) -> Pipeline:
    """A pipeline with a bug."""
    raise LookupError(f"no service for {transport.call['uuid'] or 'nobody'}")
