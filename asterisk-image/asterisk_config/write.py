"""Files to disk: the one place where rendered texts leave this process."""

import os
from collections.abc import Mapping
from pathlib import Path

from media_pod.errors import SetupError


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files`, names and texts, into `folder`, which is made if it is not there.

    Whoever reads meanwhile has either the old text or the new one. Only this user can read them:
    there are passwords in them.

    Raises:
        SetupError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            new = folder / f".{name}.new"
            with open(new, "w", encoding="utf-8", opener=_private) as file:
                file.write(text)
            new.replace(folder / name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(
            f"{folder}: cannot be written ({reason}); mount a writable folder"
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
