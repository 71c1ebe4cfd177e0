"""Calls that hang because of a frozen media pod."""

from pathlib import Path

import pytest

from asterisk_config.places import Places
from asterisk_config.stuck_calls import DEADLINE_S, INTERVAL_S, StuckCalls, parse_channels

HANGS = (
    "PJSIP/p0-00000000!interject-ws!s!42!Up!Dial!WebSocket/10.0.0.7:3001/c(slin)f(json)v(uuid=1),,g"
    "!200!!!3!17!!1796039347.0"
)
TALKS = HANGS.replace("!17!!1796039347.0", "!14!65da3082!1796039409.1").replace("p0-", "p1-")
OTHER = "PJSIP/p2-00000002!interject-a!s!41!Up!AudioSocket!1,10.0.0.8:3000!202!!!3!9!!1796039500.2"
LOCKS, CHANNELS = "core show hanguphandlers all", "core show channels concise"


class World:
    """An Asterisk whose console either answers or hangs."""

    def __init__(self, folder: Path, killed: list[int]) -> None:
        self.places = Places.unpacked(folder / "tree", folder)
        self.places.run.mkdir()
        self.commands: list[str] = []
        self.killed = killed
        self.locked = False
        self.channels = ""
        self.watch = StuckCalls(self.places, self.spawn)
        self.now_s = 0.0

    def spawn(self, command: tuple[str, ...], output: Path) -> int:
        self.commands.append(command[-1])
        if command[-1] == CHANNELS:
            output.write_text(self.channels)
        return len(self.commands)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now_s += 1
            self.watch.poll(self.now_s)
            if self.commands and not (self.locked and self.commands[-1] == LOCKS):
                self.watch.ended({len(self.commands): 0})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, _: killed.append(pid))
    return World(tmp_path, killed)


def test_a_call_that_waits_for_a_media_pod_is_told_from_others() -> None:
    present, stuck = parse_channels(f"{HANGS}\n{TALKS}\n{OTHER}\n\nnonsense!\n")
    assert present == {"1796039347.0", "1796039409.1", "1796039500.2"}
    assert stuck == {"1796039347.0": "WebSocket/10.0.0.7:3001"}


def test_while_no_channel_is_locked_the_channels_are_not_listed(world: World) -> None:
    world.run(60)
    assert set(world.commands) == {LOCKS}
    assert not world.killed and not world.watch.restart_due


def test_a_call_that_hangs_is_reported_once_within_seconds_and_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.locked, world.channels = True, f"{HANGS}\n{OTHER}\n"
    world.run(INTERVAL_S + DEADLINE_S + 3)
    assert "WebSocket/10.0.0.7:3001" in caplog.text
    world.run(60)
    assert len([each for each in caplog.records if "hangs" in each.message]) == 1
    assert not world.watch.restart_due
    assert world.killed, "the console commands that hang are ended"


def test_once_only_calls_are_left_that_hang_asterisk_is_restarted(world: World) -> None:
    world.locked, world.channels = True, f"{HANGS}\n{OTHER}\n"
    world.run(30)
    world.channels = f"{HANGS}\n"
    world.run(INTERVAL_S + DEADLINE_S + 3)
    assert world.watch.restart_due


def test_a_call_that_has_just_begun_to_dial_does_not_count(world: World) -> None:
    world.locked, world.channels = True, f"{HANGS}\n"
    world.run(INTERVAL_S + DEADLINE_S + 1)
    assert not world.watch.restart_due, "seen in one round"


def test_calls_of_a_pod_that_answers_again_are_forgotten(world: World) -> None:
    world.locked, world.channels = True, f"{HANGS}\n{OTHER}\n"
    world.run(10)
    world.locked = False
    world.run(10)
    world.locked, world.channels = True, f"{HANGS}\n"
    world.run(INTERVAL_S + DEADLINE_S + 1)
    assert not world.watch.restart_due
