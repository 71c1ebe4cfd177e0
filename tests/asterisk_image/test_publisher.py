"""The published folder, as the kubelet updates it, and its copy for Asterisk."""

from pathlib import Path

import pytest

from asterisk_config.places import Places
from asterisk_config.publisher import Publisher, read_published
from media_pod.errors import InterjectError

GOOD = "[interject-agents](+)\nexten => 100,1,Answer()\n"
OTHER = GOOD.replace("100", "200")
BROKEN = "[interject-agents](+\n"
RELOAD = ("-rx", "dialplan reload")


class World:
    """A published folder, a publisher, and the commands that it starts."""

    def __init__(self, folder: Path) -> None:
        self.places = Places.unpacked(folder / "tree", folder)
        self.commands: list[tuple[str, ...]] = []
        self.published = self.places.published
        self._now_s = 0.0

    def spawn(self, command: tuple[str, ...]) -> int:
        self.commands.append(command[-2:])
        return len(self.commands)

    def start(self) -> None:
        self.publisher = Publisher(self.places, self.spawn)

    def publish(self, text: str) -> None:
        self.published.mkdir(exist_ok=True)
        (self.published / "agents.conf").write_text(text)

    def poll(self) -> None:
        """Poll one second later; a running reload has succeeded by then."""
        self.publisher.ended({len(self.commands): 0})
        self._now_s += 1
        self.publisher.poll(self._now_s)

    @property
    def copy(self) -> str:
        """The file that Asterisk includes."""
        return (self.places.etc / "published.conf").read_text()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "ERROR"]


def test_asterisk_starts_with_the_published_dialplan(world: World) -> None:
    world.publish(GOOD)
    world.start()
    world.poll()
    assert (world.copy, world.commands) == (GOOD, [])


def test_a_folder_that_appears_changes_and_disappears_is_followed(world: World) -> None:
    world.start()
    copies = [world.copy]
    for text in (GOOD, GOOD, OTHER):
        world.publish(text)
        world.poll()
        copies.append(world.copy)
    for remove in ((world.published / "agents.conf").unlink, world.published.rmdir):
        remove()
        world.poll()
        copies.append(world.copy)
    assert copies == ["", GOOD, GOOD, OTHER, "", ""]
    assert world.commands == [RELOAD] * 3


def test_a_broken_file_changes_nothing_and_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.publish(GOOD)
    world.start()
    world.publish(BROKEN)
    for _ in range(3):
        world.poll()
    assert (world.copy, world.commands) == (GOOD, [])
    (problem,) = problems(caplog)
    assert problem.startswith("published dialplan: rejected, the previous version stays: ")
    assert f"{world.published}/agents.conf: line 1: found '[interject-agents](+'" in problem

    world.publish(OTHER)
    world.poll()
    assert (world.copy, world.commands) == (OTHER, [RELOAD])


def test_asterisk_starts_without_agents_when_the_file_is_broken(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.publish(BROKEN)
    world.start()
    assert world.copy == ""
    assert len(problems(caplog)) == 1


def test_a_failed_copy_is_retried(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.start()
    world.publish(GOOD)
    in_the_way = world.places.etc / ".published.conf.new"
    in_the_way.mkdir()
    for _ in range(2):
        world.poll()
    assert world.commands == []
    assert "cannot be written" in problems(caplog)[0]
    in_the_way.rmdir()
    world.poll()
    assert (world.copy, world.commands) == (GOOD, [RELOAD])


def test_several_files_are_concatenated_by_name(world: World) -> None:
    world.publish(GOOD)
    (world.published / "a.conf").write_text(OTHER)
    (world.published / "readme.txt").write_text("hello")
    assert read_published(world.published) == OTHER + GOOD


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfe", "line 1"),
        (b";" + b"x" * (1 << 20), "larger than 1048576 bytes, the limit of a ConfigMap"),
    ],
)
def test_binary_or_too_large_files_are_rejected(
    world: World, content: bytes, expected: str
) -> None:
    world.publish("")
    (world.published / "agents.conf").write_bytes(content)
    with pytest.raises(InterjectError, match=expected):
        read_published(world.published)
    (world.published / "agents.conf").unlink()
    (world.published / "agents.conf").mkdir()
    with pytest.raises(InterjectError, match="cannot be read"):
        read_published(world.published)
