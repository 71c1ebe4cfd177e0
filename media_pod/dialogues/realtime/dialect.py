"""The Realtime API's events: names of its general availability (GA) and of its beta.

Self-hosted servers may still speak the beta. The session that a server announces tells which one it
speaks; events are accepted in both. Sources: the types of the package `openai` (3.57,
`types/realtime` and `types/beta/realtime`), and the guide "Migrating from beta".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from media_pod.dialogues.realtime.audio_format import AudioFormat
from media_pod.providers.chat import (
    AssistantMessage,
    JsonObject,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
)

_GA_NAMES: Final = {
    "conversation.item.created": "conversation.item.added",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
}


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What a session is told before its first turn."""

    instructions: str
    tools: Sequence[ToolSpec]
    audio_format: AudioFormat
    voice: str | None
    transcription_model: str | None


def event_type(event: JsonObject) -> str:
    """The GA name of an event's type; "" if it has none."""
    found = event.get("type")
    return _GA_NAMES.get(found, found) if isinstance(found, str) else ""


def is_beta(session: object) -> bool:
    """Whether a server that announces `session` speaks the beta."""
    return isinstance(session, Mapping) and "audio" not in session and "modalities" in session


def session_update(setup: SessionSetup, *, beta: bool) -> JsonObject:
    """The event that sets up a session, with the server's own detection of turns switched off.

    `turn_detection` is null and not absent: without it a server decides turns by itself.
    """
    transcription = setup.transcription_model and {"model": setup.transcription_model}
    common = {"instructions": setup.instructions, "tools": [_tool(spec) for spec in setup.tools]}
    if beta:
        session: dict[str, Any] = {
            "modalities": ["audio", "text"],
            "input_audio_format": setup.audio_format.beta_session,
            "output_audio_format": setup.audio_format.beta_session,
            "turn_detection": None,
            "input_audio_transcription": transcription or None,
        }
        session |= {"voice": setup.voice} if setup.voice else {}
    else:
        output: dict[str, Any] = {"format": setup.audio_format.session}
        output |= {"voice": setup.voice} if setup.voice else {}
        heard: dict[str, Any] = {"format": setup.audio_format.session, "turn_detection": None}
        heard |= {"transcription": transcription} if transcription else {}
        session = {
            "type": "realtime",
            "output_modalities": ["audio"],
            "audio": {"input": heard, "output": output},
        }
    return {"type": "session.update", "session": session | common}


def turn_detection(session: object) -> object:
    """The detection of turns that a session has; None if it is off, or is not mentioned."""
    if not isinstance(session, Mapping):
        return None
    audio = session.get("audio")
    heard = audio.get("input") if isinstance(audio, Mapping) else session
    return heard.get("turn_detection") if isinstance(heard, Mapping) else None


def items_of(message: Message, *, beta: bool) -> list[JsonObject]:
    """`message` as the items of a conversation."""
    match message:
        case UserMessage(text):
            return [_text_item("user", "input_text", text)]
        case SystemMessage(text):
            return [_text_item("system", "input_text", text)]
        case ToolMessage(call_id, text):
            return [{"type": "function_call_output", "call_id": call_id, "output": text}]
        case AssistantMessage(text, calls):
            kind = "text" if beta else "output_text"
            said = [_text_item("assistant", kind, text)] if text else []
            return [*said, *map(_call_item, calls)]


def _text_item(role: str, kind: str, text: str) -> JsonObject:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _call_item(call: ToolCall) -> JsonObject:
    return {
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _tool(spec: ToolSpec) -> JsonObject:
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
    }
