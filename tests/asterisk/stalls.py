"""How often this machine did not run a process that wanted to run: a witness beside a case.

The witness is a process of its own, as the telephones' is, and knows nothing of the project: it
naps, looks at the clock, and counts the naps that took far too long. `python stalls.py` does so
until its input ends, and then prints the count as one line of JSON.
"""

import asyncio
import json
import select
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

NAP_S: Final = 0.005
STALL_MS: Final = 20.0
"""A nap that took longer is a stall: a tick of audio, which whoever plays it may have missed."""
_END_S: Final = 10.0


@dataclass(slots=True)
class Stalls:
    """The count."""

    number: int = 0
    total_ms: float = 0.0
    longest_ms: float = 0.0

    def nap(self, took_ms: float) -> None:
        """A nap that should have taken `NAP_S` took so long."""
        if took_ms > STALL_MS:
            self.number += 1
            self.total_ms += took_ms
            self.longest_ms = max(self.longest_ms, took_ms)

    def add(self, others: "Stalls") -> None:
        """Those of another time."""
        self.number += others.number
        self.total_ms += others.total_ms
        self.longest_ms = max(self.longest_ms, others.longest_ms)

    def __str__(self) -> str:
        return f"{self.number} stalls, {self.total_ms:.0f} ms, the longest {self.longest_ms:.0f} ms"


@asynccontextmanager
async def witness() -> AsyncIterator[Stalls]:
    """What the machine does meanwhile; counted once the context is left, however it is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(Path(__file__)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    stalls = Stalls()
    try:
        yield stalls
    finally:
        try:
            async with asyncio.timeout(_END_S):
                counted, _ = await process.communicate(b"")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        stalls.add(Stalls(**json.loads(counted)))


def count(nap: Callable[[], bool], now_ns: Callable[[], int]) -> Stalls:
    """Nap until `nap` returns True, by the monotonic clock `now_ns`."""
    stalls, ended = Stalls(), False
    before_ns = now_ns()
    while not ended:
        ended = nap()
        after_ns = now_ns()
        stalls.nap((after_ns - before_ns) / 1e6)
        before_ns = after_ns
    return stalls


def _nap() -> bool:
    """Until the input ends, but no longer than `NAP_S`; whether it has ended."""
    return bool(select.select([sys.stdin], [], [], NAP_S)[0])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(count(_nap, time.monotonic_ns))))
