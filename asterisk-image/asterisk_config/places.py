"""Paths of Asterisk's program and folders, and atomic writes into them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from media_pod.errors import SetupError

WORK = Path("/run/asterisk")
"""In the image: the only folder that must be writable."""

PUBLISHED = Path("/etc/interject/published")
"""In the image: the mounted dialplan of the operator."""

_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths; `None` keeps the path that is compiled into Asterisk."""

    program: tuple[str, ...]
    """Command line of Asterisk without its own arguments."""
    etc: Path
    run: Path
    """Control socket and PID file. The path of a socket can have at most 107 characters."""
    spool: Path
    log: Path
    db: Path
    """Asterisk's database, which has the registrations of phones."""
    published: Path
    """Dialplan that the operator publishes; read-only, need not exist."""
    data: Path | None = None
    """Documentation and sounds."""
    modules: Path | None = None

    @classmethod
    def installed(cls, work: Path = WORK) -> Self:
        """An installed Asterisk; all files that it writes are below `work`."""
        return cls(
            program=("/usr/sbin/asterisk",),
            etc=work / "etc",
            run=work / "run",
            spool=work / "spool",
            log=work / "log",
            db=work / "db",
            published=PUBLISHED,
        )

    @classmethod
    def unpacked(cls, tree: Path, work: Path, machine: str = "x86_64") -> Self:
        """Debian packages unpacked below `tree`, with their own libraries and loader.

        Args:
            machine: CPU architecture as in `uname -m`.

        Raises:
            SetupError: the architecture is not supported.
        """
        if machine not in _LOADERS:
            raise SetupError(f"machine: found {machine}; allowed: {', '.join(_LOADERS)}")
        libraries = tree / "usr" / "lib" / f"{machine}-linux-gnu"
        return cls(
            program=(
                str(libraries / _LOADERS[machine]),
                "--library-path",
                str(libraries),
                str(tree / "usr" / "sbin" / "asterisk"),
            ),
            etc=work / "etc",
            run=work / "run",
            spool=work / "spool",
            log=work / "log",
            db=work / "db",
            published=work / "published",
            data=tree / "usr" / "share" / "asterisk",
            modules=libraries / "asterisk" / "modules",
        )

    @property
    def config(self) -> Path:
        """asterisk.conf, which contains all other paths."""
        return self.etc / "asterisk.conf"

    @property
    def written(self) -> tuple[Path, ...]:
        """Folders that must exist before Asterisk starts."""
        return (self.etc, self.run, self.spool, self.log, self.db)

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Command line of Asterisk with these paths."""
        return (*self.program, "-C", str(self.config), *arguments)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write `files`, texts by name, into `folder`, which is created if it does not exist.

    Each file is replaced atomically, and is readable by its owner only: there are passwords in
    them.

    Raises:
        SetupError: the files cannot be written.
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
