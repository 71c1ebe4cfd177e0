"""Paths of Asterisk: installed, or unpacked with its own loader."""

from pathlib import Path

import pytest

from asterisk_config.places import Places
from media_pod.errors import SetupError


def test_an_installed_asterisk_is_started_by_its_name() -> None:
    places = Places.installed(Path("/here"))
    assert places.command("-f") == ("/usr/sbin/asterisk", "-C", "/here/etc/asterisk.conf", "-f")
    assert {folder.parent for folder in places.written} == {Path("/here")}
    assert places.published == Path("/etc/interject/published")


def test_an_unpacked_asterisk_is_started_by_its_own_loader() -> None:
    command = Places.unpacked(Path("/tree"), Path("/here"), "aarch64").command("-rx", "core x")
    assert command == (
        "/tree/usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
        "--library-path",
        "/tree/usr/lib/aarch64-linux-gnu",
        "/tree/usr/sbin/asterisk",
        "-C",
        "/here/etc/asterisk.conf",
        "-rx",
        "core x",
    )


def test_an_unsupported_architecture_is_reported() -> None:
    with pytest.raises(SetupError, match=r"machine: found riscv64; allowed: x86_64, aarch64"):
        Places.unpacked(Path("/tree"), Path("/here"), "riscv64")
