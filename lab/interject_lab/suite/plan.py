"""What a bench runs, and the command that repeats it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from interject_lab.material.material import Split

_COMMAND: Final = ("interject", "lab", "bench")


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What is run."""

    suites: tuple[str, ...]
    """Names, or paths of documents."""
    rules: tuple[str, ...]
    """Names, or `MODULE:CLASS` of a bank."""
    seed: int
    split: Split = "test"
    corpus: Path | None = None
    calls: int | None = None
    """Of each suite, instead of its own number."""
    rate_hz: int = 8000
    jobs: int = 1

    @property
    def section(self) -> str:
        """The suites and the rate of the command, by which its table is found in a document."""
        rate = [] if self.rate_hz == 8000 else ["--rate", str(self.rate_hz)]
        return shlex.join([*_COMMAND, *_repeated("--suite", self.suites), *rate])

    @property
    def command(self) -> str:
        """The whole command; the number of processes is left out, as it changes no result."""
        banks = [rule for rule in self.rules if ":" in rule]
        names = [rule for rule in self.rules if ":" not in rule]
        options = [
            *_repeated("--rule", names),
            *_repeated("--bank", banks),
            *("--split", self.split),
            *(() if self.corpus is None else ("--corpus", str(self.corpus))),
            *(() if self.calls is None else ("--calls", str(self.calls))),
            *("--seed", str(self.seed)),
        ]
        return f"{self.section} {shlex.join(options)}"


def _repeated(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
