"""When this machine did not run a process that was ready to run: a witness beside a case.

The witness is a process of its own and knows nothing of the project. It sleeps, reads the clock,
and records each sleep that took far too long. `python witness.py WORK_MS NICENESS [GROUP ...]` does
so until its standard input ends, and then prints the stalls as JSON. Only what it saw excuses a
case: a pod that misses ticks beside a calm witness is too slow.

Beside a process that computes it does as much, because a scheduler serves a process that only
sleeps first: every 20 ms it takes `Beside.work_ms` of processor time, in a control group of the
same share. A tick whose work is done a whole period late was stalled. Audio on its way through
several processes needs a witness beside each: it is late if one of them does not run.

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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SLEEP_S: Final = 0.005
TICK_S: Final = 0.02
STALL_MS: Final = 20.0
"""A sleep that took longer is a stall: one tick of audio."""
_READY_S: Final = 10.0
_END_S: Final = 10.0


@dataclass(slots=True)
class Stalls:
    """The stalls of some time, those of each witness in order."""

    spans_ns: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each. The list grows by one for each 20 ms of a case at most."""

    @property
    def total_ms(self) -> float:
        """Of all stalls; what several witnesses saw at a time counts once."""
        total_ns, until_ns = 0, 0
        for begin_ns, end_ns in sorted(self.spans_ns):
            total_ns += max(end_ns - max(begin_ns, until_ns), 0)
            until_ns = max(until_ns, end_ns)
        return total_ns / 1e6

    def slept(self, begin_ns: int, end_ns: int) -> None:
        """Take a sleep, or a tick's work, of which all over `STALL_MS` is a stall."""
        if end_ns - begin_ns > STALL_MS * 1e6:
            self.spans_ns.append((begin_ns, end_ns))

    def __str__(self) -> str:
        longest_ms = max((end - begin for begin, end in self.spans_ns), default=0) / 1e6
        number = len(self.spans_ns)
        return f"{number} stalls, {self.total_ms:.0f} ms in total, longest {longest_ms:.0f} ms"


@dataclass(frozen=True, slots=True)
class Beside:
    """The kind of process that a witness stands beside; by default one that hardly computes."""

    groups: tuple[Path, ...] = ()
    """Control groups that the witness joins, with the share of that process."""
    work_ms: float = 0.0
    """Processor time that it takes every 20 ms."""
    niceness: int = 0
    """-20 to 19, lower is served first; below 0 for root only, else it counts as 0."""


@contextmanager
def witness(places: Sequence[Beside] = (Beside(),)) -> Iterator[Stalls]:
    """Watch the machine, with a witness at each of `places`.

    The stalls are filled in when the context is left, however it is left.
    """
    stalls = Stalls()
    with ExitStack() as witnesses:
        for place in places:
            witnesses.enter_context(_one(place, stalls))
        yield stalls


@contextmanager
def _one(place: Beside, stalls: Stalls) -> Iterator[None]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-I", str(Path(__file__))),
            *(str(place.work_ms), str(place.niceness), *map(str, place.groups)),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], _READY_S)[0], "the witness does not start"
        assert process.stdout.readline() == "ready\n"
        yield
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


def record_ticks(tick: Callable[[float], bool], now_ns: Callable[[], int]) -> Stalls:
    """Tick on an absolute grid until `tick` returns True; the stalls by the clock `now_ns`.

    Args:
        tick: sleeps for so many seconds, then works; returns whether the witness is to end.
    """
    stalls, ended = Stalls(), False
    due_ns = now_ns()
    while not ended:
        due_ns += round(TICK_S * 1e9)
        ended = tick(max(due_ns - now_ns(), 0) / 1e9)
        done_ns = now_ns()
        stalls.slept(due_ns, done_ns)
        # As a pod does: a tick that is a whole period late is skipped.
        due_ns += (done_ns - due_ns) // round(TICK_S * 1e9) * round(TICK_S * 1e9)
    return stalls


def _sleep() -> bool:
    """Until the input ends, but no longer than `SLEEP_S`; whether it has ended."""
    return bool(select.select([sys.stdin], [], [], SLEEP_S)[0])


def _tick(sleep_s: float, work_ms: float) -> bool:
    """Sleep for so long, or until the input ends, and work; whether it has ended."""
    ended = bool(select.select([sys.stdin], [], [], sleep_s)[0])
    worked_ns = time.thread_time_ns() + work_ms * 1e6
    while time.thread_time_ns() < worked_ns:
        pass
    return ended


def _main(work_ms: float, niceness: int, groups: Sequence[str]) -> None:
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    for group in groups:
        # A control group may have gone with its pods.
        with suppress(OSError):
            Path(group, "cgroup.procs").write_text(str(os.getpid()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    now_ns = time.monotonic_ns
    if work_ms:
        stalls = record_ticks(lambda sleep_s: _tick(sleep_s, work_ms), now_ns)
    else:
        stalls = record(_sleep, now_ns)
    sys.stdout.write(json.dumps(stalls.spans_ns))


if __name__ == "__main__":
    _main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
