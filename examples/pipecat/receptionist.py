"""A pipecat pipeline behind a telephone: OpenAI's recognizer, model and voice.

The line, the caller's turns and interruptions are Interject's: no VAD, and turn strategies from
outside.
"""

import os

from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies

from media_pod.dialogues.pipecat.transport import InterjectTransport

INSTRUCTIONS = (
    "You are the receptionist of Harbour Bikes, a bicycle workshop, on the telephone. It is open "
    "from nine to six, Monday to Saturday. Answer in one or two plain sentences."
)


def make(transport: InterjectTransport) -> Pipeline:
    """The pipeline of one call."""
    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        raise RuntimeError("set OPENAI_API_KEY")
    messages = [{"role": "system", "content": INSTRUCTIONS}]
    turns = LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    context = LLMContextAggregatorPair(LLMContext(messages), user_params=turns)
    return Pipeline(
        [
            transport.input(),
            OpenAISTTService(api_key=key),
            context.user(),
            OpenAILLMService(api_key=key),
            OpenAITTSService(api_key=key),
            transport.output(),
            context.assistant(),
        ]
    )
