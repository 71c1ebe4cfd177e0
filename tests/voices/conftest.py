"""Real Wyoming servers for every test in this folder, or a skip that says why not."""

from pathlib import Path

import pytest

from rig.environment import INSTALL_S
from rig.fixtures import program
from voices.real_speech import piper, voices, whisper

__all__ = ["piper", "voices", "whisper"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.voices)
            item.add_marker(pytest.mark.timeout(INSTALL_S + 60))


@pytest.fixture(scope="session")
def pipecat() -> Path:
    """The interpreter of the environment with pipecat."""
    return program("pipecat") / "bin" / "python"
