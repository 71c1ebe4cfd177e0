"""The rig's processes, by pid and start time: a reused pid is never signalled."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.console import RigError

POLL_S: Final = 0.03
STATE, THREADS, START_TIME = 0, 17, 19
"""Fields of /proc/PID/stat, counted from the state (field 3 of proc(5))."""
WAIT_POLL_S: Final = 0.05


@dataclass(frozen=True)
class Process:
    name: str
    pid: int
    started: str

    def alive(self) -> bool:
        """Whether it runs; a zombie does not.

        A killed process is a zombie while its last threads still hold its sockets.
        """
        fields = _stat(self.pid)
        if fields is None or fields[START_TIME] != self.started:
            return False
        return fields[STATE] != "Z" or int(fields[THREADS]) > 1


class Processes:
    """Those of one rig, in a file in its folder.

    Args:
        record: that file.
        logs: folder of what they say.
        groups: control groups that they belong to.
    """

    def __init__(self, record: Path, logs: Path, groups: Sequence[Path] = ()) -> None:
        self._record = record
        self._logs = logs
        self._groups = groups

    def start(self, name: str, command: Sequence[str]) -> None:
        """In a session of its own; what it says goes to its log."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            began = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        for group in self._groups:
            (group / "cgroup.procs").write_text(str(began.pid))
        fields = _stat(began.pid)
        started = fields[START_TIME] if fields else "0"
        with self._record.open("a") as record:
            record.write(f"{name} {began.pid} {started}\n")

    def log(self, name: str) -> Path:
        """Where `name` writes what it says."""
        return self._logs / f"{name}.log"

    def recorded(self) -> list[Process]:
        """All that were started, the newest of each name; also those that have ended."""
        if not self._record.exists():
            return []
        lines = [line.split() for line in self._record.read_text().splitlines()]
        return list({name: Process(name, int(pid), start) for name, pid, start in lines}.values())

    def alive(self) -> list[Process]:
        return [process for process in self.recorded() if process.alive()]

    def dead(self) -> list[Process]:
        return [process for process in self.recorded() if not process.alive()]

    def stop(self, names: Sequence[str], patience_s: float, sign: int = signal.SIGTERM) -> None:
        """End those with `names`; those that still run after `patience_s` are killed."""
        left = [process for process in self.alive() if process.name in names]
        for process in left:
            _send(process, sign)
        deadline = time.monotonic() + patience_s
        while left and time.monotonic() < deadline:
            time.sleep(POLL_S)
            left = [process for process in left if process.alive()]
        for process in left:
            _send(process, signal.SIGKILL)
        while any(process.alive() for process in left):
            time.sleep(POLL_S)

    def forget(self) -> None:
        self._record.unlink(missing_ok=True)


def _send(process: Process, sign: int) -> None:
    try:
        if process.alive():
            os.kill(process.pid, sign)
    except ProcessLookupError:
        pass


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on; None if there is no such process."""
    try:
        # The name before them may have spaces and brackets itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


class Waiting:
    """For what the rig's processes do; one that has ended ends the wait."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def until(self, what: str, condition: Callable[[], bool], patience_s: float) -> None:
        """Return once `condition` holds.

        Raises:
            RigError: it does not within `patience_s`, or a process has ended before.
        """
        deadline = time.monotonic() + patience_s
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise RigError(f"{what} took over {patience_s:.0f} s")
            time.sleep(WAIT_POLL_S)

    def check(self) -> None:
        """Raises RigError with the last words of a process that has ended."""
        for process in self._processes.dead():
            log = self._processes.log(process.name)
            words = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
            raise RigError(f"{process.name} has ended ({log}): {''.join(words)}")
