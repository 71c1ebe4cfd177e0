import pytest

from interject_lab.terminal import ProgressReport, print_table


def report(quiet: bool, total_s: float = 27.0) -> None:
    with ProgressReport(quiet=quiet, total_s=total_s) as progress:
        progress.step("calling [all] pods " + "at the same time " * 10)
        for second in range(28):
            progress.elapsed(float(second))


def test_without_a_terminal_progress_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report(quiet=False)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "calling [all] pods " + "at the same time " * 10 + " ...",
        "    0 of 27 s",
        "   10 of 27 s",
        "   20 of 27 s",
    ]


def test_on_a_terminal_progress_is_one_line_that_disappears(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    report(quiet=False)
    said = capsys.readouterr().err
    assert "calling [all] pods" in said
    assert "27 of 27 s" in said
    assert said.rindex("\x1b[2K") > said.rindex("27 of 27 s")


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    report(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_table_in_a_pipe_is_markdown_with_one_line_per_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["line", "stop"], [["ERL 12 dB [x]", "120 / 180"], ["w" * 200, "-"]])
    header, rule, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["|", "line", "|", "stop", "|"]
    assert set(rule) == {"|", "-"}
    assert first.startswith("| ERL 12 dB [x] ")
    assert first.endswith(" 120 / 180 |")
    assert "w" * 200 in second


def count_calls(monkeypatch: pytest.MonkeyPatch, quiet: bool = False) -> None:
    """A chunk of 8 calls every 6 s, after 16 of an earlier run."""
    now_s = iter(range(1000, 2000, 6))
    monkeypatch.setattr("interject_lab.terminal.monotonic", lambda: float(next(now_s)))
    with ProgressReport(quiet=quiet, total_s=None) as progress:
        for count in range(16, 57, 8):
            progress.calls_done(count, of=56)


def test_calls_are_counted_with_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count_calls(monkeypatch)
    assert capsys.readouterr().err.splitlines() == [
        "  16 of 56 calls",
        "  32 of 56 calls, 18 s left",
        "  48 of 56 calls, 6 s left",
        "  56 of 56 calls",
    ]


def test_a_terminal_shows_every_count(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    count_calls(monkeypatch)
    said = capsys.readouterr().err
    assert "24 of 56 calls, 24 s left" in said
    assert "56 of 56 calls" in said


def test_a_quiet_count_prints_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count_calls(monkeypatch, quiet=True)
    assert capsys.readouterr() == ("", "")
