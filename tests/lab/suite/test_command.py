import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from interject_lab.reports.markdown import markers
from interject_lab.suite.plan import BenchPlan
from lab.suite.small_material import small_material
from media_pod.cli import cli
from media_pod.errors import SetupError

DEAF = "lab.suite.instruments:DeafBank"


@pytest.fixture(autouse=True)
def no_voices_and_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take seconds to make, and have tests of their own."""
    for name in ("load", "loaded"):
        monkeypatch.setattr(f"interject_lab.suite.run.{name}", lambda *given: small_material())
    monkeypatch.setattr("interject_lab.suite.report.write_report", lambda *given: given[-1])


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ncalls: 2\nseconds: 5\ncaller: {eventAfterSeconds: [0.3, 0.5]}\n")
    return str(path)


def bench(*words: str) -> Result:
    return CliRunner().invoke(cli, ["lab", "bench", "--jobs", "1", *words])


def test_the_command_prints_one_document_and_writes_its_section(tmp_path: Path, suite: str) -> None:
    plan = BenchPlan((suite,), (DEAF,), seed=7)
    page = tmp_path / "page.md"
    page.write_text("\n".join(markers(plan.section)))
    words = ("--suite", suite, "--bank", DEAF, "--seed", "7", "--out", str(tmp_path / "out"))
    result = bench(*words, "--json", "--write", str(page))
    assert result.exit_code == 0, result.output
    (scores,) = json.loads(result.stdout)
    assert (scores["suite"], scores["rule"], scores["calls"]) == ("mine", DEAF, 2)
    false = scores["false_per_hour"]
    assert (false["value"], false["low"], false["count"]) == (0.0, 0.0, 0)
    # None in so little time is compatible with many per hour: the rule of three.
    assert false["high"] > 100
    assert scores["delay_error_p95_ms"]["value"] is None
    text = page.read_text()
    assert f"Made by `{plan.command}`." in text
    assert f"| mine | {DEAF} |" in text


def test_rules_are_compared_in_a_picture_beside_the_document(tmp_path: Path, suite: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("\n".join(markers(BenchPlan((suite,), (), seed=1).section)))
    words = ("--suite", suite, "--rule", "half-duplex", "--bank", DEAF, "--write", str(page))
    result = bench(*words, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "(page-mine.svg)" in page.read_text()
    assert "interruptions missed" in (tmp_path / "page-mine.svg").read_text()


def test_a_run_that_is_there_already_is_not_run_again(
    tmp_path: Path, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--suite", suite, "--bank", DEAF, "--out", str(tmp_path), "--json")
    first = bench(*words)
    assert first.exit_code == 0, first.output
    monkeypatch.delattr("interject_lab.suite.run.draw_call")
    assert bench(*words).stdout == first.stdout


def test_a_changed_corpus_is_run_again(
    tmp_path: Path, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results.jsonl"
    words = ("--suite", suite, "--bank", DEAF, "--out", str(tmp_path), "--corpus", str(tmp_path))
    for digest, lines in (("one", 2), ("one", 2), ("other", 4)):
        monkeypatch.setattr("interject_lab.suite.run.corpus_digest", lambda *_, now=digest: now)
        assert bench(*words).exit_code == 0
        assert len(results.read_text().splitlines()) == lines


def test_what_is_named_twice_is_run_once(tmp_path: Path, suite: str) -> None:
    twice = ("--suite", suite, "--suite", suite, "--bank", DEAF, "--bank", DEAF)
    (scores,) = json.loads(bench(*twice, "--out", str(tmp_path), "--json").stdout)
    assert scores["calls"] == 2


def test_two_suites_of_one_name_are_refused(tmp_path: Path, suite: str) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(Path(suite).read_text())
    result = bench("--suite", suite, "--suite", str(other), "--bank", DEAF, "--out", str(tmp_path))
    assert isinstance(result.exception, SetupError)
    assert "are both named 'mine'" in str(result.exception)


def test_a_folder_that_cannot_be_made_is_reported(suite: str) -> None:
    result = bench("--suite", suite, "--bank", DEAF, "--out", suite)
    assert isinstance(result.exception, SetupError)
    assert str(result.exception) == f"cannot write {suite}: File exists; give another --out"


def test_weights_that_cannot_be_written_are_reported_before_the_training(tmp_path: Path) -> None:
    words = ["lab", "train", "--folder", str(tmp_path / "calls"), "--out"]
    for out in (tmp_path, tmp_path / "gone" / "weights.npz"):
        result = CliRunner().invoke(cli, [*words, str(out)])
        assert isinstance(result.exception, SetupError)
        assert str(result.exception).startswith("cannot write ")
    assert list(tmp_path.iterdir()) == []


def test_time_is_not_wasted_on_a_page_without_the_section(tmp_path: Path, suite: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("")
    result = bench("--suite", suite, "--out", str(tmp_path / "out"), "--write", str(page))
    assert isinstance(result.exception, SetupError)
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--calls", "0"], "'--calls': 0 is not in the range 1<=x<=100000"),
        (["--seed", "x"], "'--seed': 'x' is not a valid integer range"),
        (["--erl-db", "3"], "No such option '--erl-db'"),
    ],
)
def test_wrong_options_say_what_is_right(words: list[str], message: str) -> None:
    result = bench(*words)
    assert result.exit_code == 2
    assert message in result.output
