"""Settings of the providers: language model, recognizer and voice, each selected by its kind.

The first provider of each sort may have `fallbacks`, which take over in order when it fails. A
document contains no secret: it names an environment variable, a key of a Secret, or both.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.rules import Rule, absolute_in_cluster, in_cluster
from media_pod.manifest.types import (
    FilePath,
    LanguageTag,
    ModelName,
    ServerAddress,
    ServerUrl,
)
from media_pod.manifest.validation import Allowed, Hidden, StrictModel

OPENAI_URL: Final = "https://api.openai.com/v1"
ESPEAK_VOICE_PATTERN: Final = r"^[a-z]{2,8}(-[A-Za-z0-9]+)*([+][A-Za-z0-9_-]+)?$"
ESPEAK_VOICE_WORDS: Final = "the name of an espeak-ng voice, such as en-us or en-gb+f2"
MAX_FALLBACKS: Final = 3


class SecretKeyRef(StrictModel):
    """One key of a Kubernetes Secret in the agent's namespace."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", max_length=253),
        Allowed("the name of a Secret"),
    ] = Field(description="Name of the Secret.")
    key: Annotated[
        str,
        Field(pattern=r"^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,251}$", max_length=253),
        Allowed("a key of the Secret: letters, digits, -, _ and ., not .. at its start"),
    ] = Field(description="Key within the Secret.")


class SecretSource(StrictModel):
    """Where a secret value comes from. With both fields, one document serves both places."""

    env: (
        Annotated[
            str,
            Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$", max_length=128),
            Allowed("the name of an environment variable"),
            Hidden(),
        ]
        | None
    ) = Field(
        default=None,
        description="Environment variable of the process. On a laptop; in a cluster only if "
        "podTemplate sets it.",
    )
    secret_key_ref: Annotated[SecretKeyRef, Hidden()] | None = Field(
        default=None,
        description="Key of a Secret, which the operator mounts into the pods; preferred over env "
        "where it is mounted. In a cluster.",
    )

    model_config = in_cluster(
        Rule(
            "has(self.env) || has(self.secretKeyRef)",
            found="neither env nor secretKeyRef",
            allowed="env, secretKeyRef or both",
        )
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.env is None and self.secret_key_ref is None:
            raise PydanticCustomError(
                "one_of", "found neither env nor secretKeyRef; allowed: env, secretKeyRef or both"
            )
        return self


SecretPlace = Annotated[SecretSource, Hidden()]


class OpenAiServerSettings(StrictModel):
    """What all OpenAI-compatible servers have in common."""

    kind: Literal["openai"] = Field(description="An OpenAI-compatible server.")
    model: ModelName = Field(description="Name of the model, as the server knows it.")
    base_url: ServerUrl = Field(
        default=OPENAI_URL,
        description="Base URL of the API, including /v1. Default: OpenAI's.",
    )
    api_key: SecretPlace | None = Field(
        default=None,
        description="API key. Default none, which is right for most local servers.",
    )


class OpenAiLlmSettings(OpenAiServerSettings):
    """A language model behind an OpenAI-compatible chat completions API."""

    kind: Literal["openai"] = Field(
        description="Any server with OpenAI's chat completions: OpenAI, vLLM, Ollama, llama.cpp, "
        "LiteLLM."
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Sampling temperature. Default none: the server's, because some models "
        "accept no other.",
    )
    max_tokens: int = Field(
        default=800,
        ge=16,
        le=16_384,
        description="Maximum tokens of one reply, reasoning and tool calls included. Default 800: "
        "about four minutes of speech, more than a caller listens to.",
    )


class OpenAiSttSettings(OpenAiServerSettings):
    """Speech recognition behind an OpenAI-compatible transcriptions API."""

    kind: Literal["openai"] = Field(
        description="Any server with OpenAI's audio transcriptions. Text comes after the "
        "utterance has ended."
    )
    language: LanguageTag | None = Field(
        default=None, description="Language of the caller. Default none: spec.language."
    )


class WyomingSttSettings(StrictModel):
    """Speech recognition by a server of the Wyoming protocol."""

    kind: Literal["wyoming"] = Field(
        description="A server of the Wyoming protocol, such as wyoming-faster-whisper. The "
        "protocol has no encryption: use it on one machine or in one cluster."
    )
    address: ServerAddress = Field(description="Host and port of the server.")
    model: ModelName | None = Field(
        default=None, description="Model of the server. Default none: the server's own."
    )
    language: LanguageTag | None = Field(
        default=None, description="Language of the caller. Default none: spec.language."
    )


class WhisperSttSettings(StrictModel):
    """Speech recognition by Whisper on the pod's own CPU."""

    kind: Literal["whisper"] = Field(
        description="Whisper by faster-whisper in a process beside the pod; needs the extra "
        "whisper and a model on disk."
    )
    model_path: FilePath = Field(
        description="Folder of a CTranslate2 Whisper model, relative to this document; absolute "
        "in a cluster."
    )
    language: LanguageTag | None = Field(
        default=None, description="Language of the caller. Default none: spec.language."
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Number of processes; each recognizes one utterance at a time on one core. "
        "Default 1: a call needs a recognizer for a small part of its time.",
    )

    model_config = in_cluster(absolute_in_cluster("modelPath"))


_CALLS_PER_PROCESS: Final = 25
"""Decoding takes a tenth of the audio's duration: 0.22 s for 2.5 s of digits. At one utterance of a
call every 7 s, a process is busy for 80 % of its time."""


class PocketsphinxSttSettings(StrictModel):
    """The built-in recognizer: digits, yes, no and a few commands, in English."""

    kind: Literal["pocketsphinx"] = Field(
        description="The built-in grammar of digits and commands, for demonstrations and tests."
    )

    @staticmethod
    def processes_for(calls: int) -> int:
        """How many processes recognize for so many calls, if the pod has a CPU for each."""
        return -(-calls // _CALLS_PER_PROCESS)


class OpenAiTtsSettings(OpenAiServerSettings):
    """A voice behind an OpenAI-compatible speech API."""

    kind: Literal["openai"] = Field(
        description="Any server with OpenAI's audio speech, streamed as raw PCM."
    )
    voice: ModelName = Field(description="Name of the voice, as the server knows it.")
    speed: float = Field(
        default=1.0,
        ge=0.5,
        le=2,
        description="Speaking rate relative to the voice's own. Default 1.",
    )
    source_rate_hz: int = Field(
        default=24_000,
        ge=8000,
        le=48_000,
        description="Sample rate of the PCM that the server sends, in Hz, which its answer does "
        "not tell. Default 24000: OpenAI's.",
    )


class WyomingTtsSettings(StrictModel):
    """A voice of a server of the Wyoming protocol."""

    kind: Literal["wyoming"] = Field(
        description="A server of the Wyoming protocol, such as wyoming-piper. The protocol has no "
        "encryption: use it on one machine or in one cluster."
    )
    address: ServerAddress = Field(description="Host and port of the server.")
    voice: ModelName | None = Field(
        default=None, description="Voice of the server. Default none: the server's own."
    )


class PiperTtsSettings(StrictModel):
    """A Piper voice on the pod's own CPU."""

    kind: Literal["piper"] = Field(
        description="A Piper voice by onnxruntime in a process beside the pod; needs the extra "
        "piper and a voice on disk."
    )
    voice_path: FilePath = Field(
        description="The voice's .onnx file, with its .onnx.json beside it, relative to this "
        "document; absolute in a cluster."
    )
    speed: float = Field(
        default=1.0,
        ge=0.5,
        le=2,
        description="Speaking rate relative to the voice's own. Default 1.",
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Number of processes; each speaks one clause at a time on one core. Default "
        "1: a clause takes about a tenth of its duration.",
    )

    model_config = in_cluster(absolute_in_cluster("voicePath"))


class EspeakTtsSettings(StrictModel):
    """The built-in voice: espeak-ng."""

    kind: Literal["espeak"] = Field(
        default="espeak",
        description="The built-in voice espeak-ng: no network, no model, a hundred languages.",
    )
    voice: ModelName = Field(
        default="en-us",
        description=f"The voice, {ESPEAK_VOICE_WORDS}. Default en-us: the built-in speech "
        "recognizer and the parcel desk are English.",
    )
    words_per_minute: int = Field(
        default=175,
        ge=80,
        le=400,
        description="Speaking rate in words per minute. Default 175, as in espeak-ng.",
    )

    model_config = in_cluster(
        Rule(
            f"!has(self.voice) || self.voice.matches('{ESPEAK_VOICE_PATTERN}')",
            found="{self.voice}",
            allowed=ESPEAK_VOICE_WORDS,
            field=".voice",
        )
    )

    @field_validator("voice")
    @classmethod
    def _espeak_voice(cls, voice: str) -> str:
        if not re.match(ESPEAK_VOICE_PATTERN, voice):
            raise PydanticCustomError(
                "clash", "found {voice}; allowed: " + ESPEAK_VOICE_WORDS, {"voice": voice}
            )
        return voice


LlmProvider = OpenAiLlmSettings
SttProvider = Annotated[
    PocketsphinxSttSettings | WhisperSttSettings | WyomingSttSettings | OpenAiSttSettings,
    Field(discriminator="kind"),
]
TtsProvider = Annotated[
    EspeakTtsSettings | PiperTtsSettings | WyomingTtsSettings | OpenAiTtsSettings,
    Field(discriminator="kind"),
]


class _LlmFallbacks(StrictModel):
    fallbacks: tuple[LlmProvider, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=MAX_FALLBACKS,
        description="Models that take over, in order, when the one before fails. Default none.",
    )


class LlmSettings(_LlmFallbacks, OpenAiLlmSettings):
    """The language model that decides what the agent says and does."""


class _SttFallbacks(StrictModel):
    fallbacks: tuple[SttProvider, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=MAX_FALLBACKS,
        description="Recognizers that take over, in order, when the one before fails; they get "
        "the utterance from its start. Default none.",
    )


class PrimaryPocketsphinxSttSettings(_SttFallbacks, PocketsphinxSttSettings):
    """The built-in recognizer: digits, yes, no and a few commands, in English."""


class PrimaryWhisperSttSettings(_SttFallbacks, WhisperSttSettings):
    """Whisper on the pod's own CPU."""


class PrimaryWyomingSttSettings(_SttFallbacks, WyomingSttSettings):
    """A server of the Wyoming protocol."""


class PrimaryOpenAiSttSettings(_SttFallbacks, OpenAiSttSettings):
    """An OpenAI-compatible transcriptions API."""


class _TtsFallbacks(StrictModel):
    fallbacks: tuple[TtsProvider, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=MAX_FALLBACKS,
        description="Voices that take over, in order, when the one before fails. Default none.",
    )


class PrimaryEspeakTtsSettings(_TtsFallbacks, EspeakTtsSettings):
    """The built-in voice espeak-ng."""


class PrimaryPiperTtsSettings(_TtsFallbacks, PiperTtsSettings):
    """A Piper voice on the pod's own CPU."""


class PrimaryWyomingTtsSettings(_TtsFallbacks, WyomingTtsSettings):
    """A server of the Wyoming protocol."""


class PrimaryOpenAiTtsSettings(_TtsFallbacks, OpenAiTtsSettings):
    """An OpenAI-compatible speech API."""


SttSettings = Annotated[
    PrimaryPocketsphinxSttSettings
    | PrimaryWhisperSttSettings
    | PrimaryWyomingSttSettings
    | PrimaryOpenAiSttSettings,
    Field(discriminator="kind"),
]
TtsSettings = Annotated[
    PrimaryEspeakTtsSettings
    | PrimaryPiperTtsSettings
    | PrimaryWyomingTtsSettings
    | PrimaryOpenAiTtsSettings,
    Field(discriminator="kind"),
]
