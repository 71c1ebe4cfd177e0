"""VoiceAgent documents, and the form of a case for a rule."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

LLM: Json = {"kind": "openai", "model": "m"}
REALTIME: Json = {"kind": "openai", "model": "speaks"}
HTTP_TOOL: Json = {
    "kind": "http",
    "name": "book",
    "description": "Books a table.",
    "url": "https://tools.test/book",
}
PROVIDERS: dict[str, dict[str, Json]] = {
    "stt": {
        "pocketsphinx": {"kind": "pocketsphinx"},
        "whisper": {"kind": "whisper", "modelPath": "/srv/whisper"},
        "wyoming": {"kind": "wyoming", "address": "whisper:10300"},
        "openai": {"kind": "openai", "model": "m"},
    },
    "tts": {
        "espeak": {"kind": "espeak"},
        "piper": {"kind": "piper", "voicePath": "/srv/voice.onnx"},
        "wyoming": {"kind": "wyoming", "address": "piper:10200"},
        "openai": {"kind": "openai", "model": "m", "voice": "v"},
    },
}
"""The smallest valid provider of each kind."""
BUILT_IN: dict[str, Json] = {"stt": {"kind": "pocketsphinx"}, "tts": {"kind": "espeak"}}
TOOLS: dict[str, Json] = {
    "http": HTTP_TOOL,
    "mcp": {"kind": "mcp", "name": "files", "command": ["files"]},
    "transfer": {"kind": "transfer", "places": ["operator"]},
    "hangUp": {"kind": "hangUp"},
    "collectDigits": {"kind": "collectDigits"},
    "sendDigits": {"kind": "sendDigits"},
    "hold": {"kind": "hold"},
}
"""The smallest valid tool of each kind."""


def voice_agent(spec: Json, name: str = "desk") -> Json:
    """A VoiceAgent: a parcel desk, unless `spec` has a model or another dialogue."""
    mind = {} if {"llm", "realtime"} & set(spec) else {"dialogue": {"kind": "parcelDesk"}}
    return {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": name},
        "spec": deepcopy(mind | spec),
    }


def with_llm(**more: Any) -> Json:
    """A spec with a language model."""
    return {"llm": LLM, "instructions": "Be brief.", **more}


def with_realtime(realtime: Json = REALTIME) -> Json:
    """A spec with a speech-to-speech model."""
    return {"realtime": realtime, "instructions": "Be brief."}


def with_bare_kinds(spec: Json) -> Json:
    """`spec`, all of whose defaults are filled in, as the API server shows it.

    It fills in no default of a provider but its kind: each kind has its own.
    """
    kinds = {part: {"kind": spec[part]["kind"]} for part in PROVIDERS}
    return spec | kinds


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, identified by its object and its `allowed` text, with a valid and an invalid spec."""

    path: str
    allowed: str
    good: Json
    bad: Json
    found: str
    """The "found" part of the API server's message for `bad`."""
    field: str
    """The field in the API server's error."""
    laptop: bool = True
    """Whether `interject serve` rejects `bad` too."""
    before: tuple[Json, Json] | None = None
    """For a transition rule: the objects before their update to `good` and `bad`."""
    names: tuple[str, str] = ("good", "bad")
    """Names of the good and of the bad object."""
