"""Where Asterisk's program and folders are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from media_pod.errors import SetupError

WORK = Path("/run/asterisk")
"""In the image: the one folder that has to be writable."""

PUBLISHED = Path("/etc/interject/published")

_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths; `None` leaves a folder where Asterisk was built to look for it."""

    program: tuple[str, ...]
    """How Asterisk is started, up to its own arguments."""
    etc: Path
    run: Path
    """Control socket and process id. A socket's path may have 107 characters."""
    spool: Path
    log: Path
    db: Path
    """The registrations of phones."""
    published: Path
    """Where the operator's dialplan is, if there is one; only read."""
    data: Path | None = None
    """Documentation and sounds."""
    modules: Path | None = None

    @classmethod
    def installed(cls, work: Path = WORK) -> Self:
        """Asterisk as a distribution installs it, with all that it writes below `work`."""
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
        """Debian's packages unpacked below `tree`, which bring their own libraries and loader.

        Args:
            machine: the kernel's name of the processor, as in the names of Debian's folders.

        Raises:
            SetupError: nobody has tried that processor.
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
        """The file that tells Asterisk all other places."""
        return self.etc / "asterisk.conf"

    @property
    def written(self) -> tuple[Path, ...]:
        """Folders that have to be there before Asterisk starts."""
        return (self.etc, self.run, self.spool, self.log, self.db)

    def command(self, *arguments: str) -> tuple[str, ...]:
        """The command line of Asterisk with these places."""
        return (*self.program, "-C", str(self.config), *arguments)
