"""A manifest that changes while its pod runs: what the pod is told, and how often."""

import os
from pathlib import Path

import pytest

from media_pod.errors import SetupError
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.watch import ManifestWatch

MANIFEST = """
apiVersion: interject.dev/v1alpha1
kind: VoiceAgent
metadata: {{name: agent}}
spec: {{dialogue: {{kind: scripted, script: [{{say: {text}}}]}}}}
"""


class Pod:
    """Takes what it is told, unless something that the manifest names is missing."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.refused: list[str] = []
        self.missing = ""

    async def reload(self, agent: VoiceAgent) -> None:
        if self.missing:
            raise SetupError(self.missing)
        self.told.append(agent.spec.dialogue.model_dump()["script"][0]["say"])

    def refuse(self, problem: str) -> None:
        self.refused.append(problem)


class ConfigMap:
    """A folder as the kubelet keeps it: keys are links through `..data`, which is turned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns = 0
        self.path = folder / "agent.yaml"
        self.path.symlink_to("..data/agent.yaml")

    def write(self, text: str) -> None:
        self._turns += 1
        versioned = self._folder / f"..{self._turns}"
        versioned.mkdir()
        (versioned / "agent.yaml").write_text(text)
        new = self._folder / "..data_tmp"
        new.symlink_to(versioned.name)
        os.replace(new, self._folder / "..data")


@pytest.fixture
def config_map(tmp_path: Path) -> ConfigMap:
    return ConfigMap(tmp_path)


@pytest.fixture
def pod() -> Pod:
    return Pod()


def problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "ERROR"]


async def test_each_new_text_is_told_once(config_map: ConfigMap, pod: Pod) -> None:
    watch = ManifestWatch(config_map.path, pod)
    for text in ("one", "one", "two"):
        config_map.write(MANIFEST.format(text=text))
        await watch.look()
        await watch.look()
    assert pod.told == ["one", "two"]


async def test_what_is_no_voice_agent_is_one_line_of_the_log_and_nothing_else(
    config_map: ConfigMap, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ManifestWatch(config_map.path, pod)
    config_map.write(MANIFEST.format(text="one"))
    await watch.look()
    config_map.write(MANIFEST.format(text="''"))
    await watch.look()
    await watch.look()
    assert pod.told == ["one"]
    (refused,) = pod.refused
    assert refused.startswith(f"{config_map.path}: spec.dialogue.script[0].say: found ''; allowed:")
    assert problems(caplog) == [f"the manifest is not taken, the one before stays: {refused}"]

    config_map.write(MANIFEST.format(text="two"))
    await watch.look()
    assert pod.told == ["one", "two"]


async def test_a_file_that_is_gone_for_a_while_is_told_again(
    config_map: ConfigMap, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ManifestWatch(config_map.path, pod)
    for _ in range(2):
        await watch.look()
    config_map.write(MANIFEST.format(text="one"))
    await watch.look()
    config_map.path.unlink()
    for _ in range(2):
        await watch.look()
    config_map.path.symlink_to("..data/agent.yaml")
    for _ in range(2):
        await watch.look()
    assert pod.told == ["one", "one"], "the pod forgets the problem by being told again"
    assert len(problems(caplog)) == 2


async def test_what_the_manifest_names_may_come_later(
    config_map: ConfigMap, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ManifestWatch(config_map.path, pod)
    pod.missing = "hello.wav: No such file"
    config_map.write(MANIFEST.format(text="one"))
    for _ in range(3):
        await watch.look()
    pod.missing = ""
    for _ in range(2):
        await watch.look()
    assert pod.told == ["one"]
    assert pod.refused == ["hello.wav: No such file"]
    assert len(problems(caplog)) == 1
