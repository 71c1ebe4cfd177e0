import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from interject_lab.reports.markdown import number
from interject_lab.scoring.figures import CallRow
from interject_lab.suite.headline import COLUMNS, headline
from interject_lab.suite.plan import BenchPlan
from interject_lab.suite.report import page, write_report
from interject_lab.suite.tables import pooled
from interject_lab.suite.worst_calls import Excerpt, worst_calls
from lab.suite.rows import call_row, false_stop, interruption, run_again
from media_pod.errors import SetupError

PLAN = BenchPlan(suites=("default",), rules=("interject", "their <rule>"), seed=7)
OURS = [
    call_row(0, interruption(10, 210.0), interruption(20, 330.0, what="<anna>")),
    call_row(1, interruption(10, 270.0), interruption(20, None), false_stops=(false_stop(30.0),)),
]
THEIRS = [
    call_row(number, interruption(10, 510.0), rule="their <rule>", false_stops=(false_stop(30.0),))
    for number in range(2)
]
ROWS = [*OURS, *THEIRS]


@pytest.fixture(scope="module")
def shown() -> str:
    return page(PLAN, ROWS, pooled(ROWS), worst_calls(OURS, 1, run_again))


def words(shown: str) -> str:
    """The text of the page, without its tags and the white space between them."""
    return " ".join(re.sub(r"<[^>]*>", " ", shown).split())


def test_the_page_says_what_was_run(shown: str) -> None:
    text = words(shown)
    assert "interject lab bench --suite default" in text
    assert "Seed 7, split “test”, lines at 8000 Hz, no corpus." in text
    assert "4 simulated calls, 0.1 h of the bot's speech, 6 interruptions" in text


def test_every_score_is_in_the_table_with_its_interval(shown: str) -> None:
    table = words(shown[shown.index("<tbody>") : shown.index("</tbody>")])
    for scores in pooled(ROWS):
        for column in COLUMNS:
            figure = scores.figures[column.figure]
            value, low, high = (
                number(each, column.digits) for each in (figure.value, figure.low, figure.high)
            )
            cell = "–" if figure.value is None else f"{value} {low} to {high}"
            assert f" {cell} " in table, column.title


def test_the_best_of_a_suite_is_marked_and_equal_ones_alike() -> None:
    ours, theirs = headline(pooled(ROWS))
    best = {
        column.figure: (mine.best, other.best)
        for column, mine, other in zip(COLUMNS, ours.cells, theirs.cells, strict=True)
    }
    assert best["false_per_hour"] == (True, False)
    assert best["missed_percent"] == (False, True)
    assert best["stop_p50_ms"] == (True, False)
    assert best["erle_db"] == (True, True)
    (alone,) = headline(pooled(OURS))
    assert not any(cell.best for cell in alone.cells)


def test_a_delay_that_most_calls_do_not_find_again_is_never_found() -> None:
    call = call_row(0)
    lost = replace(call, figures=replace(call.figures, relock_ms=(None,)))
    (row,) = headline(pooled([lost]))
    cells = dict(zip((column.figure for column in COLUMNS), row.cells, strict=True))
    assert cells["relock_p50_ms"].text == "never"
    assert cells["stop_p50_ms"].text == "–"


def test_names_are_escaped(shown: str) -> None:
    assert "their &lt;rule&gt;" in shown
    assert "<rule>" not in shown
    assert "<anna>" not in shown


def test_the_page_fetches_nothing(shown: str) -> None:
    assert "//" not in re.sub(r'"data:[^"]*"', "", shown)
    assert len(re.findall(r'src="data:audio/wav', shown)) == 1


def test_a_worst_call_says_how_it_failed(shown: str) -> None:
    text = words(shown)
    assert "default, call 1: 1 false stop, 1 missed" in text
    assert "False stop 1.2 s into the utterance: caller: the echo does not explain it" in text


def test_a_rule_without_failures_has_no_worst_calls() -> None:
    rows = [call_row(0, interruption(10, 210.0))]
    assert worst_calls(rows, 6, run_again) == []
    text = words(page(PLAN, rows, pooled(rows), []))
    assert "None to show" in text


def test_the_worst_calls_of_the_product_are_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def draw_again(plan: BenchPlan, row: CallRow) -> tuple[None, object]:
        asked.append((plan.seed, row.rule, row.call))
        return None, run_again(row)

    def the_excerpts(
        plan: BenchPlan, rows: object, scores: object, excerpts: Sequence[Excerpt]
    ) -> str:
        return " ".join(f"{each.row.rule} {each.row.call}" for each in excerpts)

    stand_in = SimpleNamespace(draw_again=draw_again)
    monkeypatch.setitem(sys.modules, "interject_lab.suite.run", stand_in)
    monkeypatch.setattr("interject_lab.suite.report.page", the_excerpts)
    rows = [*THEIRS, *OURS]
    path = write_report(PLAN, rows, pooled(rows), 6, tmp_path / "report.html")
    assert asked == [(7, "interject", 1)]
    assert path.read_text() == "interject 1"


def test_a_page_that_cannot_be_written_is_an_error_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interject_lab.suite.report.page", lambda *parts: "")
    rows = [call_row(0)]
    with pytest.raises(SetupError, match="give another --out"):
        write_report(PLAN, rows, pooled(rows), 0, tmp_path / "none" / "report.html")
