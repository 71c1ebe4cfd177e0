"""Settings of a speech-to-speech model."""

from typing import Literal

from pydantic import Field

from media_pod.manifest.providers import OPENAI_URL, OpenAiServerSettings
from media_pod.manifest.types import ModelName, ServerUrl


class OpenAiRealtimeSettings(OpenAiServerSettings):
    """A model that hears the caller and speaks, behind an OpenAI-compatible Realtime API.

    The agent decides when the caller interrupts and when their turn is over: the server's own
    detection of turns is off.
    """

    kind: Literal["openai"] = Field(
        description="Any server with OpenAI's Realtime API over WebSocket, in the names of its "
        "general availability or of its beta: OpenAI, LocalAI, speaches."
    )
    voice: ModelName | None = Field(
        default=None, description="Name of the voice. Default none: the server's own."
    )
    base_url: ServerUrl = Field(
        default=OPENAI_URL,
        description="Base URL of the API, including /v1; http and https stand for ws and wss. "
        "Default: OpenAI's.",
    )
    format: Literal["g711", "pcm"] | None = Field(
        default=None,
        description="Audio format in both directions: g711 is mu-law at 8 kHz, pcm has 16 bits at "
        "24 kHz. Default none: g711 for lines of 8 kHz, where nothing is resampled, and pcm for "
        "lines of 16 kHz. Some local servers know pcm alone.",
    )
    transcription_model: ModelName | None = Field(
        default=None,
        description="Model with which the server writes down what the caller said, for "
        "transcripts, backchannels and false stops; the agent never waits for it longer than for "
        "its own first sound. Default none: the caller's words are not written down.",
    )
