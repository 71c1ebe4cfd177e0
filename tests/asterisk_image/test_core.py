"""The core's files: where Asterisk's folders are, and what it logs."""

from pathlib import Path

import pytest
from asterisk_parser import parse, section
from documents import values

from asterisk_config.core import files
from asterisk_config.places import Places

WORK = Path("/here")


def test_an_installed_asterisk_writes_below_one_folder_and_reads_where_it_was_built_to() -> None:
    folders = section(files(values(), Places.installed(WORK))["asterisk.conf"], "directories")
    assert {value.startswith("/here/") for _, value in folders.lines} == {True}
    assert "astmoddir" not in dict(folders.lines)


def test_an_unpacked_asterisk_is_told_where_its_modules_are() -> None:
    folders = section(
        files(values(), Places.unpacked(Path("/tree"), WORK))["asterisk.conf"], "directories"
    )
    assert folders["astmoddir"] == "/tree/usr/lib/x86_64-linux-gnu/asterisk/modules"
    assert folders["astdatadir"] == "/tree/usr/share/asterisk"
    assert folders["astdbdir"] == "/here/db"


@pytest.mark.parametrize(
    ("level", "logged", "verbose"),
    [
        ("error", "error", False),
        ("notice", "error,warning,notice", False),
        ("verbose", "error,warning,notice,verbose", True),
        ("debug", "error,warning,notice,verbose,debug", True),
    ],
)
def test_what_is_logged_goes_to_the_console(level: str, logged: str, verbose: bool) -> None:
    found = files(values(logLevel=level), Places.installed(WORK))
    assert section(found["logger.conf"], "logfiles").lines == [("console", logged)]
    options = dict(section(found["asterisk.conf"], "options").lines)
    assert ("verbose" in options) is verbose


def test_nothing_listens_but_sip() -> None:
    found = files(values(), Places.installed(WORK))
    assert section(found["manager.conf"], "general")["enabled"] == "no"
    assert "http.conf" not in found


def test_every_file_can_be_parsed() -> None:
    for text in files(values(), Places.installed(WORK)).values():
        parse(text)
