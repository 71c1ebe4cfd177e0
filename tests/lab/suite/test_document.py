from pathlib import Path

import pytest

from interject_lab.suite.document import read_suite, shipped_suites
from media_pod.errors import SetupError
from media_pod.manifest.validation import SpecError


def suite_file(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", shipped_suites())
def test_a_shipped_suite_can_be_read_and_has_its_own_name(name: str) -> None:
    assert read_suite(name).name == name


def test_a_suite_sets_only_what_differs_from_the_mix(tmp_path: Path) -> None:
    mine = read_suite(suite_file(tmp_path, "name: mine\nline: {erlDb: [6, 12]}\n"))
    default = read_suite("default")
    assert list(mine.line.erl_db) == [6, 12]
    assert mine.line.delay == default.line.delay
    assert mine.caller == default.caller


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: mine\nlines: {}", "lines: unknown key; allowed here: .*; did you mean line?"),
        ("calls: 3", "name: missing"),
        ("name: mine\ncalls: 0", "calls: found 0; allowed: a whole number 1 to 100000"),
        ("name: mine\nline: {erlDb: [40, 6]}", "line.erlDb: found 40 to 6; allowed: two numbers"),
        ("name: mine\nline: {erlDb: [6, 400]}", "line.erlDb: found 6 to 400; .* 0 to 80"),
        ("name: mine\nline: {erlDb: 6}", "line.erlDb: found 6; allowed: "),
        ("name: mine\ncaller: {events: {laugh: 1}}", "caller.events.*laugh"),
        ("name: mine\ncaller: {events: {none: 0}}", "caller.events: found no weight above 0"),
        ("name: mine\nline: {lossShare: 2}", "line.lossShare: found 2"),
    ],
)
def test_a_wrong_suite_is_explained(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        read_suite(suite_file(tmp_path, text))


def test_an_unknown_suite_lists_the_known_ones() -> None:
    with pytest.raises(SetupError, match=r"no suite 'defualt': give one of .*default"):
        read_suite("defualt")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SetupError, match=r"nowhere\.yaml"):
        read_suite("nowhere.yaml")
