"""Shutdown of Asterisk after its calls have ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fake_asterisk
import pytest

from asterisk_config.places import Places
from asterisk_config.supervisor import (
    KILL_AFTER_S,
    Shutdown,
    ShutdownAction,
)

EXITS_ON_SIGTERM = """
case "$1" in
-f) trap 'exit 0' TERM; while :; do sleep 0.02; done;;
esac
"""
"""An Asterisk that exits on SIGTERM and ignores commands."""

EXITS_ON_COMMAND = """
case "$1$2" in
-f) while [ ! -e {flag} ]; do sleep 0.02; done; exit 7;;
-rxcore*) touch {flag};;
esac
"""
"""An Asterisk that exits on `core stop`."""


def test_nothing_is_due_before_a_signal() -> None:
    shutdown = Shutdown(900)
    assert shutdown.left_s(0) is None
    assert shutdown.due(1) is None


def test_the_first_signal_drains_and_the_end_of_the_drain_stops_then_kills() -> None:
    shutdown = Shutdown(900)
    assert shutdown.signalled(100) is ShutdownAction.DRAIN
    assert shutdown.left_s(300) == 700
    assert shutdown.due(1000) is ShutdownAction.STOP
    assert shutdown.left_s(1000) == KILL_AFTER_S
    assert shutdown.due(1000 + KILL_AFTER_S) is ShutdownAction.KILL
    assert shutdown.left_s(2000) is None


def test_a_second_signal_stops_at_once_and_a_third_changes_nothing() -> None:
    shutdown = Shutdown(900)
    shutdown.signalled(0)
    assert shutdown.signalled(1) is ShutdownAction.STOP
    assert shutdown.signalled(2) is None
    assert shutdown.left_s(2) == KILL_AFTER_S - 1


class Supervised:
    """`run_asterisk` in a separate process, because it blocks signals permanently."""

    def __init__(self, places: Places, tree: Path, work: Path, drain_s: float) -> None:
        self.calls = work / "calls"
        code = (
            "import sys; from pathlib import Path; from asterisk_config.places import Places; "
            "from asterisk_config.publisher import Publisher; "
            "from asterisk_config.supervisor import run_asterisk, spawn; import os; "
            "places = Places.unpacked(Path(sys.argv[1]), Path(sys.argv[2]), os.uname().machine); "
            "sys.exit(run_asterisk(places, float(sys.argv[3]), "
            "watches=[Publisher(places, spawn)]))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(tree), str(work), str(drain_s)]
        )

    def wait_for(self, call: str) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.calls.exists() and call in self.calls.read_text().splitlines():
                return
            time.sleep(0.01)
        pytest.fail(f"no {call!r} within 20 s")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Supervised]]:
    """Processes of `start`; they are killed after the test."""
    all_started: list[Supervised] = []
    yield all_started
    for supervised in all_started:
        supervised.process.kill()
        supervised.process.wait()


def start(started: list[Supervised], tmp_path: Path, body: str, drain_s: float) -> Supervised:
    places = fake_asterisk.make(tmp_path, body)
    supervised = Supervised(places, tmp_path / "tree", tmp_path / "work", drain_s)
    started.append(supervised)
    supervised.wait_for("-f")
    return supervised


def test_a_signal_drains_calls_and_the_exit_code_is_passed_on(
    started: list[Supervised], tmp_path: Path
) -> None:
    supervised = start(
        started, tmp_path, EXITS_ON_COMMAND.format(flag=tmp_path / "flag"), drain_s=60
    )
    supervised.signal(signal.SIGTERM)
    assert supervised.process.wait(20) == 7
    assert set(supervised.calls.read_text().splitlines()) == {
        "-f",
        "-rx dialplan set global INTERJECT_DRAINING yes",
        "-rx core stop when convenient",
    }


def test_when_the_drain_is_over_asterisk_gets_the_signal(
    started: list[Supervised], tmp_path: Path
) -> None:
    supervised = start(started, tmp_path, EXITS_ON_SIGTERM, drain_s=0.05)
    supervised.signal(signal.SIGTERM)
    assert supervised.process.wait(20) == 0


def test_a_second_signal_does_not_wait_for_calls(started: list[Supervised], tmp_path: Path) -> None:
    supervised = start(started, tmp_path, EXITS_ON_SIGTERM, drain_s=3600)
    supervised.signal(signal.SIGINT)
    supervised.wait_for("-rx core stop when convenient")
    supervised.signal(signal.SIGINT)
    assert supervised.process.wait(20) == 0


def test_the_exit_code_of_a_killed_asterisk_is_that_of_its_signal(
    started: list[Supervised], tmp_path: Path
) -> None:
    supervised = start(started, tmp_path, 'case "$1" in -f) kill -9 $$;; esac', drain_s=60)
    assert supervised.process.wait(20) == 128 + signal.SIGKILL


def test_a_published_dialplan_is_loaded_at_runtime(
    started: list[Supervised], tmp_path: Path
) -> None:
    supervised = start(started, tmp_path, EXITS_ON_SIGTERM, drain_s=60)
    folder = tmp_path / "work" / "published"
    folder.mkdir()
    (folder / "agents.conf").write_text("[interject-agents](+)\nexten => 100,1,Answer()\n")
    supervised.wait_for("-rx dialplan reload")
    supervised.signal(signal.SIGTERM)
    supervised.wait_for("-rx core stop when convenient")
    supervised.signal(signal.SIGTERM)
    assert supervised.process.wait(20) == 0
