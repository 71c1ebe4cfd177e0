"""Real Wyoming servers for every test in this folder, or a skip that says why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.environment import INSTALL_S
from rig.fixtures import program
from rig.voices import VOICE, voice_data, whisper_model
from voices.wyoming_server import wyoming_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.voices)
            item.add_marker(pytest.mark.timeout(INSTALL_S + 60))


@pytest.fixture(scope="session")
def voices() -> Path:
    """The environment with the servers, the voice and the model."""
    return program("voices")


@pytest.fixture(scope="session")
def piper(voices: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of wyoming-piper."""
    command = (
        str(voices / "bin" / "wyoming-piper"),
        *("--voice", VOICE, "--data-dir", str(voice_data(voices))),
    )
    with wyoming_server(command, tmp_path_factory.mktemp("piper") / "log") as address:
        yield address


@pytest.fixture(scope="session")
def whisper(voices: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of wyoming-faster-whisper."""
    folder = tmp_path_factory.mktemp("whisper")
    command = (
        str(voices / "bin" / "wyoming-faster-whisper"),
        *("--model", str(whisper_model(voices)), "--data-dir", str(folder), "--local-files-only"),
    )
    with wyoming_server(command, folder / "log") as address:
        yield address


@pytest.fixture(scope="session")
def pipecat() -> Path:
    """The interpreter of the environment with pipecat."""
    return program("pipecat") / "bin" / "python"
