"""When this machine did not run a process that was ready to run: a witness beside a case.

The witness is a process of its own and knows nothing of the project. It sleeps, reads the clock,
and records each sleep that took far too long. `python witness.py [GROUP ...]` does so until its
standard input ends, and then prints the stalls as JSON. Only what it saw excuses a case: a pod
that misses ticks beside a calm witness is too slow. In a control group it also works a little after
each sleep: a scheduler serves a process that only sleeps before one that computes, as a pod does.

Times are nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share: they can be
compared with the times in `interject_lab.call_record.CallRecord`.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SLEEP_S: Final = 0.005
WORK_MS: Final = 0.6
"""Of processor time after each sleep, in a control group: a tenth of a core, as a pod takes."""
STALL_MS: Final = 20.0
"""A sleep that took longer is a stall: one tick of audio."""
_READY_S: Final = 10.0
_END_S: Final = 10.0


@dataclass(slots=True)
class Stalls:
    """The stalls of some time, in order."""

    spans_ns: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each. The list grows by one for each 20 ms of a case at most."""

    @property
    def total_ms(self) -> float:
        return sum(end - begin for begin, end in self.spans_ns) / 1e6

    def slept(self, begin_ns: int, end_ns: int) -> None:
        """Take one sleep that should have taken `SLEEP_S`."""
        if end_ns - begin_ns > STALL_MS * 1e6:
            self.spans_ns.append((begin_ns, end_ns))

    def __str__(self) -> str:
        longest_ms = max((end - begin for begin, end in self.spans_ns), default=0) / 1e6
        number = len(self.spans_ns)
        return f"{number} stalls, {self.total_ms:.0f} ms in total, longest {longest_ms:.0f} ms"


@contextmanager
def witness(groups: Sequence[Path] = ()) -> Iterator[Stalls]:
    """Watch the machine; the stalls are filled in when the context is left, however it is left.

    Args:
        groups: control groups that the witness joins, to compete for the processors as pods do.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__)), *map(str, groups)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    stalls = Stalls()
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], _READY_S)[0], "the witness does not start"
        assert process.stdout.readline() == "ready\n"
        yield stalls
    finally:
        try:
            recorded, _ = process.communicate("", _END_S)
        finally:
            process.kill()
            process.wait()
        stalls.spans_ns += [(begin, end) for begin, end in json.loads(recorded or "[]")]


def record(sleep: Callable[[], bool], now_ns: Callable[[], int]) -> Stalls:
    """Sleep until `sleep` returns True; the stalls by the monotonic clock `now_ns`."""
    stalls, ended = Stalls(), False
    before_ns = now_ns()
    while not ended:
        ended = sleep()
        after_ns = now_ns()
        stalls.slept(before_ns, after_ns)
        before_ns = after_ns
    return stalls


def _sleep(work_ms: float) -> bool:
    """Until the input ends, but no longer than `SLEEP_S`, then work; whether it has ended."""
    ended = bool(select.select([sys.stdin], [], [], SLEEP_S)[0])
    worked_ns = time.thread_time_ns() + work_ms * 1e6
    while time.thread_time_ns() < worked_ns:
        pass
    return ended


def _main(groups: Sequence[str]) -> None:
    for group in groups:
        # A control group may have gone with its pods.
        with suppress(OSError):
            Path(group, "cgroup.procs").write_text(str(os.getpid()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    work_ms = WORK_MS if groups else 0.0
    sys.stdout.write(json.dumps(record(lambda: _sleep(work_ms), time.monotonic_ns).spans_ns))


if __name__ == "__main__":
    _main(sys.argv[1:])
