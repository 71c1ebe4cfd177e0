"""Settings of a speech-to-speech agent."""

from typing import Any

import pytest

from media_pod.manifest.agent import load_manifest
from media_pod.manifest.reload import reloaded
from media_pod.manifest.secrets import mounted_keys
from media_pod.manifest.validation import SpecError
from voiceagent_documents import LLM, voice_agent

REALTIME = {"kind": "openai", "model": "gpt-x"}


def document(**spec: Any) -> dict[str, Any]:
    made = voice_agent({"llm": LLM, **spec})
    del made["spec"]["llm"]
    return made


def test_the_smallest_one() -> None:
    spec = load_manifest(document(realtime=REALTIME, instructions="Be brief."), "test").spec
    assert spec.realtime is not None
    assert spec.realtime.base_url == "https://api.openai.com/v1"
    assert (spec.realtime.format, spec.realtime.voice, spec.realtime.transcription_model) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, "found []; allowed: exactly one of llm, realtime and dialogue"),
        ({"realtime": REALTIME, "dialogue": {"kind": "parcelDesk"}}, "found [realtime, dialogue]"),
        ({"realtime": REALTIME}, "found a model without instructions"),
        ({"realtime": REALTIME | {"format": "opus"}, "instructions": "x"}, "realtime.format"),
    ],
)
def test_what_is_wrong_is_said(spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(SpecError) as raised:
        load_manifest(document(**spec), "test")
    assert problem in str(raised.value)


def test_its_secret_is_mounted() -> None:
    ref = {"secretKeyRef": {"name": "openai", "key": "key"}}
    made = document(realtime=REALTIME | {"apiKey": ref}, instructions="x")
    assert [key.name for key in mounted_keys(load_manifest(made, "test").spec)] == ["openai"]


def test_another_mind_needs_a_new_pod() -> None:
    running = load_manifest(document(realtime=REALTIME, instructions="x"), "test").spec
    wanted = load_manifest(voice_agent({}), "test").spec
    assert reloaded(running, wanted) == running
    assert reloaded(wanted, running) == wanted
    told = running.model_copy(update={"instructions": "y"})
    assert reloaded(running, told).instructions == "y"
