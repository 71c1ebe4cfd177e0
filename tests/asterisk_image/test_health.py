"""The health check: up, not yet up, silent."""

from pathlib import Path

import fake_asterisk
import pytest

from asterisk_config.health import UnhealthyError, check
from asterisk_config.places import Places


def test_an_asterisk_that_has_booted_is_healthy(tmp_path: Path) -> None:
    places = fake_asterisk.make(tmp_path, "echo Asterisk has fully booted.")
    check(places, deadline_s=20)
    assert (tmp_path / "work" / "calls").read_text() == "-rx core waitfullybooted\n"


def test_what_asterisk_says_instead_is_told(tmp_path: Path) -> None:
    places = fake_asterisk.make(tmp_path, "echo Unable to connect to remote asterisk >&2; exit 1")
    with pytest.raises(UnhealthyError, match="asterisk: Unable to connect to remote asterisk"):
        check(places, deadline_s=20)


def test_silence_has_an_end(tmp_path: Path) -> None:
    places = fake_asterisk.make(tmp_path, "exec sleep 60")
    with pytest.raises(UnhealthyError, match=r"asterisk: no answer within 0\.2 s"):
        check(places, deadline_s=0.2)


def test_a_machine_without_asterisk_says_so(tmp_path: Path) -> None:
    places = Places.unpacked(tmp_path, tmp_path)
    with pytest.raises(UnhealthyError, match=r"cannot be run \(No such file or directory\)"):
        check(places, deadline_s=20)
