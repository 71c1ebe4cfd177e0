"""The VoiceAgent's models: fields, defaults, accepted documents."""

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from media_pod.dialogues.agent.call_tools import CallActs, CallTools
from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.manifest.dialogue import ScriptedSettings
from media_pod.manifest.tools import CALL_TOOL_NAMES, CALL_TOOLS
from voiceagent_documents import Json, voice_agent


def manifest(**spec: object) -> Json:
    return voice_agent(spec, "desk")


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field below `model`, after its path on the wire; kinds of a union share paths."""
    for name, field in model.model_fields.items():
        here = f"{path}.{field.alias or name}"
        yield here, field
        for inner in models(field.annotation):
            yield from fields(inner, here)


def models(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model in `annotation`, such as the kinds of a union or the items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models(inner)


DEFAULTS = {
    "instructions": None,
    "greeting": {
        "speaksFirst": "agent",
        "text": None,
        "interruptible": "afterLineLearned",
    },
    "variables": {},
    "language": "en-US",
    "llm": None,
    "realtime": None,
    "dialogue": {"kind": "parcelDesk", "person": None},
    "stt": {"kind": "pocketsphinx", "fallbacks": ()},
    "tts": {"kind": "espeak", "voice": "en-us", "wordsPerMinute": 175, "fallbacks": ()},
    "recordings": (),
    "tools": (),
    "limits": {
        "callSeconds": 3600,
        "silencePrompts": 2,
        "replySeconds": 120,
        "turns": 200,
        "tokens": 500_000,
        "toolRounds": 8,
    },
    "phrases": {
        "apology": "Sorry, something went wrong on my side. Could you say that again, please?",
        "goodbye": "I am sorry, I cannot go on with this call. Goodbye.",
        "stillThere": "Are you still there?",
        "silenceGoodbye": "I cannot hear you, so I will hang up now. Goodbye.",
        "limitGoodbye": "I have to end our call here. Thank you for calling. Goodbye.",
    },
    "bargeIn": {"sensitivity": "normal", "backchannels": "keep", "preRollMs": 300},
    "turn": {
        "endSilenceMs": 700,
        "minSilenceMs": 350,
        "maxSilenceMs": 2500,
        "earlyReply": True,
        "maxUtteranceMs": 15000,
        "noInputMs": 8000,
        "digits": {"gapMs": 3000, "least": 1, "most": 64, "terminator": "#"},
    },
    "line": {
        "transport": "audioSocket",
        "rateHz": 8000,
        "maxEchoDelayMs": 1000,
        "echoCanceller": "kalman",
    },
    "capacity": {"calls": 100, "reservationSeconds": 10},
    "server": {
        "bindHost": "::",
        "audioSocketPort": 3000,
        "webSocketPort": 3001,
        "httpPort": 1650,
        "advertiseHost": "",
        "controlToken": None,
        "peers": (),
    },
    "deadlines": {
        "uuidMs": 2000,
        "stallMs": 5000,
        "providerSeconds": 8.0,
        "goodbyeMs": 1000,
    },
    "drain": {"timeoutSeconds": 900},
    "telephony": {"extensions": (), "asterisk": "asterisk", "transfers": ()},
    "telemetry": {"otlpEndpoint": "", "sampleRatio": 1.0, "content": False},
    "replicas": 2,
    "image": "",
    "autoscaling": {
        "metricSource": "none",
        "minReplicas": 2,
        "maxReplicas": 10,
        "targetPercent": 70,
        "scaleDownSeconds": 300,
        "prometheusUrl": "",
    },
    "eviction": "afterCalls",
    "network": {"policy": True, "cidrs": (), "namespaces": ()},
    "podTemplate": {
        "metadata": {"labels": {}, "annotations": {}},
        "spec": {"terminationGracePeriodSeconds": None},
    },
}
"""What the documents say of a manifest that sets nothing."""


def test_the_smallest_manifest_gets_the_documented_defaults() -> None:
    spec = load_manifest(manifest(), "agent.yaml").spec
    assert spec.model_dump(by_alias=True) == DEFAULTS


@pytest.mark.parametrize(("path", "field"), list(fields(VoiceAgent)))
def test_every_field_is_described_with_its_unit_and_the_reason_for_its_default(
    path: str, field: FieldInfo
) -> None:
    assert field.description, path
    name = path.rsplit(".", 1)[-1]
    for suffix, unit in {"Ms": "ms", "Seconds": "seconds", "Hz": "Hz"}.items():
        if name.endswith(suffix):
            assert re.search(rf"\b{unit}\b", field.description), path
    if field.annotation in (int, float):
        marks = {type(mark).__name__ for mark in field.metadata}
        assert marks == {"Ge", "Le"}, f"{path} has no range"
        assert str(field.default).removesuffix(".0") in field.description.replace(",", ""), path


@pytest.mark.parametrize("path", sorted({path for path, _ in fields(VoiceAgent)}))
def test_wire_names_are_camel_case(path: str) -> None:
    assert re.fullmatch(r"(\.[a-z]+([A-Z][a-z]+)*)+", path)


def test_a_manifest_survives_the_wire() -> None:
    lines = [{"say": "Hello"}, {"play": "hold.wav", "pauseMs": 0}]
    agent = load_manifest(
        manifest(dialogue={"kind": "scripted", "script": lines, "atEnd": "repeat"}), "agent.yaml"
    )
    assert isinstance(agent.spec.dialogue, ScriptedSettings)
    assert load_manifest(agent.model_dump(by_alias=True), "again") == agent
    assert VoiceAgent.model_validate_json(agent.model_dump_json(by_alias=True)) == agent


def test_kubernetes_labels_and_annotations_are_taken() -> None:
    data = manifest()
    data["metadata"] |= {"namespace": "prod", "labels": {"a": "b"}, "annotations": {"c/d": "e"}}
    assert load_manifest(data, "agent.yaml").metadata.labels == {"a": "b"}


def test_the_reserved_names_are_those_of_the_calls_own_tools() -> None:
    spec = load_manifest(
        manifest(
            llm={"kind": "openai", "model": "m"},
            instructions="Be brief.",
            telephony={"transfers": [{"name": "desk", "goto": "phones,601,1"}]},
            tools=[{"kind": "transfer", "places": ["desk"]}]
            + [{"kind": kind} for kind in CALL_TOOLS if kind != "transfer"],
        ),
        "agent.yaml",
    ).spec
    tools = CallTools(spec.tools, {"desk": "phones,601,1"}, None, 8000, CallActs()).tools
    assert [tool.spec.name for tool in tools] == list(CALL_TOOL_NAMES)
