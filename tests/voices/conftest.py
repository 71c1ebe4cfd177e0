"""Real servers for every test in this folder, or a skip that says why not."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rig.environment import INSTALL_S
from rig.fixtures import program
from rig.models import smollm2_model
from voices.litellm_proxy import litellm_proxy
from voices.real_speech import piper, voices, whisper
from voices.server_process import PORT, server_process
from voices.smollm2 import SmolLm2

__all__ = ["piper", "voices", "whisper"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.voices)
            item.add_marker(pytest.mark.timeout(INSTALL_S + 60))


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints what was measured, of tests that pass too."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}")

    return write


@pytest.fixture(scope="session")
def pipecat() -> Path:
    """The interpreter of the environment with pipecat."""
    return program("pipecat") / "bin" / "python"


@pytest.fixture(scope="session")
def models() -> Path:
    """The environment with LiteLLM, llama.cpp and a language model."""
    return program("models")


@pytest.fixture(scope="session")
def smollm2(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmolLm2]:
    """SmolLM2-135M-Instruct."""
    command = (
        str(models / "bin" / "python"),
        str(Path(__file__).with_name("smollm2_server.py")),
        str(smollm2_model(models)),
        PORT,
    )
    with server_process(command, tmp_path_factory.mktemp("smollm2") / "log") as address:
        yield SmolLm2(f"http://{address}")


@pytest.fixture(scope="session")
def litellm(
    models: Path, smollm2: SmolLm2, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Base URL of LiteLLM's proxy, which has SmolLM2 behind it, and a model of one sentence."""
    with litellm_proxy(models, smollm2.base_url, tmp_path_factory.mktemp("litellm")) as base_url:
        yield base_url
