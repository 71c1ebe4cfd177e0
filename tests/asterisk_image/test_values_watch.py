"""Values that change while Asterisk runs, as the kubelet updates them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from asterisk_config.places import Places, write
from asterisk_config.values_watch import ValuesWatch

PJSIP = "module reload res_pjsip.so"
DIALPLAN = "dialplan reload"


class World:
    """A values file, password files, a watch, and the commands that it starts."""

    def __init__(self, folder: Path) -> None:
        self.places = Places.unpacked(folder / "tree", folder)
        self.commands: list[str] = []
        self._file = folder / "asterisk.yaml"
        self._passwords = folder / "passwords"
        self._passwords.mkdir()
        self._now_s = 0.0

    def start(self, **document: Any) -> None:
        self.change(**document)
        environ = {"INTERJECT_VALUES": str(self._file)}
        self._watch = ValuesWatch(environ, self.places, self._spawn)
        write(self.places.etc, self._watch.rendered)

    def change(self, **document: Any) -> None:
        self._file.write_text(yaml.safe_dump({"published": True, "agents": []} | document))

    def phone(self, name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "password": {"file": str(self._passwords / name)}, **more}

    def password(self, name: str, text: str | None = "secret") -> None:
        """Write a password; None removes it."""
        path = self._passwords / name
        path.unlink() if text is None else path.write_text(text)

    def poll(self, *, polls: int = 3, code: int = 0) -> list[str]:
        """Poll once a second; each command has exited with `code` by the next poll.

        Returns the commands that were started.
        """
        before = len(self.commands)
        for _ in range(polls):
            self._now_s += 1
            self._watch.poll(self._now_s)
            self._watch.ended(dict.fromkeys(range(1, len(self.commands) + 1), code))
        return self.commands[before:]

    def _spawn(self, command: tuple[str, ...]) -> int:
        self.commands.append(command[-1])
        return len(self.commands)

    def text(self, name: str) -> str:
        return (self.places.etc / name).read_text()


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.password("601")
    return made


def logged(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == level]


def test_unchanged_values_reload_nothing(world: World) -> None:
    world.start(phones=[world.phone("601")])
    assert world.poll() == []
    world.change(phones=[world.phone("601")])
    assert world.poll() == []


def test_an_added_phone_is_loaded(world: World) -> None:
    world.start(phones=[world.phone("601")])
    world.password("602", "of-602")
    world.change(phones=[world.phone("601"), world.phone("602")])
    assert sorted(world.poll()) == sorted([PJSIP, DIALPLAN])
    assert "password = of-602" in world.text("pjsip.conf")
    assert "PJSIP/602" in world.text("extensions.conf")


def test_a_changed_password_reloads_sip_alone(world: World) -> None:
    world.start(phones=[world.phone("601")])
    world.password("601", "changed")
    assert world.poll() == [PJSIP]
    assert "password = changed" in world.text("pjsip.conf")


def test_a_phone_whose_password_comes_later_is_loaded_then(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The kubelet updates the ConfigMap and the Secret at different times."""
    world.start(phones=[world.phone("601")])
    world.change(phones=[world.phone("601"), world.phone("602")])
    assert world.poll() == []
    (problem,) = logged(caplog, "ERROR")
    assert problem.startswith("values: rejected, the previous ones stay: ")
    assert "602: cannot be read" in problem
    world.password("602")
    assert sorted(world.poll()) == sorted([PJSIP, DIALPLAN])


def test_a_phone_whose_password_goes_first_is_removed(world: World) -> None:
    world.password("602")
    world.start(phones=[world.phone("601"), world.phone("602")])
    world.password("602", None)
    assert world.poll() == []
    world.change(phones=[world.phone("601")])
    assert sorted(world.poll()) == sorted([PJSIP, DIALPLAN])
    assert "602" not in world.text("pjsip.conf")


def test_the_modules_of_a_new_trunk_and_queue_are_loaded_before_they_are_used(world: World) -> None:
    world.start(phones=[world.phone("601")])
    world.password("acme")
    account = world.phone("acme", host="sip.example.com", user="me", register=True)
    queue = {"name": "sales", "members": ["601"]}
    world.change(phones=[world.phone("601")], trunks=[account], queues=[queue])
    commands = world.poll()
    loads = [each for each in commands if each.startswith("module load ")]
    assert {"res_pjsip_outbound_registration", "app_queue"} <= {
        each.removeprefix("module load ").removesuffix(".so") for each in loads
    }
    assert commands[: len(loads)] == loads
    assert set(commands[len(loads) :]) == {PJSIP, DIALPLAN, "queue reload all"}
    assert "sales" in world.text("queues.conf")


def test_a_reload_that_asterisk_refuses_is_repeated(world: World) -> None:
    world.start(phones=[world.phone("601")])
    world.password("601", "changed")
    assert world.poll(polls=2, code=1) == [PJSIP] * 2
    assert world.poll() == [PJSIP]


def test_invalid_values_change_nothing_and_are_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.start(phones=[world.phone("601")])
    before = world.text("pjsip.conf")
    world.change(phones=[world.phone("601"), world.phone("601")])
    assert world.poll() == []
    assert world.text("pjsip.conf") == before
    (problem,) = logged(caplog, "ERROR")
    assert "found 601 2 times" in problem


def test_what_cannot_be_reloaded_is_named(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.start(phones=[world.phone("601")])
    world.change(phones=[world.phone("601")], logLevel="debug")
    assert world.poll() == []
    (warning,) = logged(caplog, "WARNING")
    assert warning == "values: changes of asterisk.conf, logger.conf take effect at the next start"
