"""Reloading a manifest: new calls use it, and fields that need a restart are reported."""

import wave
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from media_pod.dialogues.ports import CallInfo, DialogueFactory, Play, Say
from media_pod.dialogues.registry import make_dialogue
from media_pod.errors import SetupError
from media_pod.manifest.active import ActiveManifest
from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.manifest.reload import pod_key
from media_pod.providers.requests import RequestObserver


def agent(item: dict[str, Any], name: str = "agent", **spec: Any) -> VoiceAgent:
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": name},
        "spec": {"dialogue": {"kind": "scripted", "script": [item]}, **spec},
    }
    return load_manifest(document, "test")


def write_wav(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(320))


async def says(manifest: ActiveManifest[DialogueFactory]) -> str:
    """The greeting of a new call."""
    async for act in manifest.dialogue(CallInfo(""), Mock(spec=RequestObserver)).greet():
        assert isinstance(act, Say)
        return act.text
    raise AssertionError("nothing")


async def test_a_new_dialogue_is_active_and_reported(tmp_path: Path) -> None:
    manifest = ActiveManifest(agent({"say": "one"}), tmp_path, make_dialogue)
    new = agent({"say": "two"}, replicas=7)
    await manifest.reload(new)
    await manifest.reload(new)
    assert await says(manifest) == "two"
    assert (manifest.view.key, manifest.view.reloads) == (pod_key(new.spec), 1)
    assert manifest.view.problem == ""


async def test_fields_that_need_a_restart_are_named_and_the_others_are_active(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = ActiveManifest(agent({"say": "one"}), tmp_path, make_dialogue)
    new = agent({"say": "two"}, name="other", line={"rateHz": 16000}, capacity={"calls": 1})
    await manifest.reload(new)
    assert await says(manifest) == "two"
    assert manifest.spec.capacity.calls == 100
    needed = "restart required to apply metadata.name, spec.line, spec.capacity"
    assert manifest.view.problem == needed
    assert needed in caplog.text
    assert manifest.view.key != pod_key(new.spec)

    await manifest.reload(agent({"say": "two"}))
    assert (manifest.view.problem, manifest.view.reloads) == ("", 1)


async def test_recordings_are_read_when_a_manifest_is_reloaded(tmp_path: Path) -> None:
    write_wav(tmp_path / "first.wav")
    manifest = ActiveManifest(agent({"play": "first.wav"}), tmp_path, make_dialogue)
    with pytest.raises(SetupError, match=r"second\.wav"):
        await manifest.reload(agent({"play": "second.wav"}))
    manifest.refuse("second.wav is missing")
    assert (manifest.view.problem, manifest.view.reloads) == ("second.wav is missing", 0)
    assert manifest.view.key == pod_key(agent({"play": "first.wav"}).spec)

    write_wav(tmp_path / "second.wav")
    await manifest.reload(agent({"play": "second.wav"}))
    assert manifest.view.problem == ""
    async for act in manifest.dialogue(CallInfo(""), Mock(spec=RequestObserver)).greet():
        assert isinstance(act, Play)
        assert act.name == "second"
        break
