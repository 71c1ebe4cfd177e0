"""A manifest that changes while its pod runs: each change is reloaded once."""

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
    """Records reloads; fails while a file that the manifest refers to is missing."""

    def __init__(self) -> None:
        self.reloaded: list[str] = []
        self.refused: list[str] = []
        self.missing = ""

    async def reload(self, agent: VoiceAgent) -> None:
        if self.missing:
            raise SetupError(self.missing)
        self.reloaded.append(agent.spec.model_dump()["dialogue"]["script"][0]["say"])

    def refuse(self, problem: str) -> None:
        self.refused.append(problem)


class ConfigMap:
    """A ConfigMap volume as the kubelet updates it: keys are links through `..data`."""

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


async def test_each_new_text_is_reloaded_once(config_map: ConfigMap, pod: Pod) -> None:
    watch = ManifestWatch(config_map.path, pod)
    for text in ("one", "one", "two"):
        config_map.write(MANIFEST.format(text=text))
        await watch.poll()
        await watch.poll()
    assert pod.reloaded == ["one", "two"]


async def test_an_invalid_manifest_is_logged_once_and_not_applied(
    config_map: ConfigMap, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ManifestWatch(config_map.path, pod)
    config_map.write(MANIFEST.format(text="one"))
    await watch.poll()
    config_map.write(MANIFEST.format(text="''"))
    await watch.poll()
    await watch.poll()
    assert pod.reloaded == ["one"]
    (refused,) = pod.refused
    assert refused.startswith(f"{config_map.path}: spec.dialogue.script[0].say: found ''; allowed:")
    assert problems(caplog) == [f"manifest rejected, the previous one stays active: {refused}"]

    config_map.write(MANIFEST.format(text="two"))
    await watch.poll()
    assert pod.reloaded == ["one", "two"]


async def test_a_file_that_was_missing_is_reloaded(
    config_map: ConfigMap, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ManifestWatch(config_map.path, pod)
    for _ in range(2):
        await watch.poll()
    config_map.write(MANIFEST.format(text="one"))
    await watch.poll()
    config_map.path.unlink()
    for _ in range(2):
        await watch.poll()
    config_map.path.symlink_to("..data/agent.yaml")
    for _ in range(2):
        await watch.poll()
    assert pod.reloaded == ["one", "one"], "a reload clears the pod's problem"
    assert len(problems(caplog)) == 2


async def test_files_that_the_manifest_refers_to_may_appear_later(
    config_map: ConfigMap, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ManifestWatch(config_map.path, pod)
    pod.missing = "hello.wav: No such file"
    config_map.write(MANIFEST.format(text="one"))
    for _ in range(3):
        await watch.poll()
    pod.missing = ""
    for _ in range(2):
        await watch.poll()
    assert pod.reloaded == ["one"]
    assert pod.refused == ["hello.wav: No such file"]
    assert len(problems(caplog)) == 1
