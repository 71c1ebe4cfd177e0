"""The command `interject eval`. It imports heavy packages itself, so that `--help` is fast."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from interject_lab.errors import writing
from interject_lab.terminal import ProgressReport, print_table
from media_pod.pod.runtime import one_thread, run_loop

if TYPE_CHECKING:
    from interject_lab.evaluation.run import ScenarioOutcome

_FILE: Final = click.Path(path_type=Path)


@click.command("eval")
@click.argument("scenarios", nargs=-1, required=True, type=_FILE, metavar="SCENARIO...")
@click.option(
    "--agent",
    type=_FILE,
    metavar="FILE",
    help="The VoiceAgent for all scenarios, instead of those that they name.",
)
@click.option(
    "--text",
    "in_text",
    is_flag=True,
    help="Only the dialogue, in text, as `interject talk`: no voices, no line, no real time.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 32),
    default=4,
    show_default=True,
    help="Scenarios at a time.",
)
@click.option(
    "--stt",
    type=click.Choice(["agent", "scripted"]),
    help="Recognizer: the agent's own, or a stand-in that knows what the caller says. Default: "
    "agent, but scripted for the built-in digit grammar.",
)
@click.option(
    "--tts",
    type=click.Choice(["agent", "espeak"]),
    help="The bot's voice: the agent's own, or the built-in one. Default: agent.",
)
@click.option(
    "--voice",
    type=_FILE,
    metavar="FILE.onnx",
    help="Piper voice of the callers. Default: espeak-ng.",
)
@click.option("--junit", type=_FILE, metavar="FILE", help="Also write the results as JUnit XML.")
@click.option(
    "--report",
    type=_FILE,
    metavar="FILE",
    help="Also write a page with the pictures and the audio of the calls (HTML).",
)
def evaluate(
    scenarios: tuple[Path, ...],
    agent: Path | None,
    in_text: bool,
    jobs: int,
    stt: Literal["agent", "scripted"] | None,
    tts: Literal["agent", "espeak"] | None,
    voice: Path | None,
    junit: Path | None,
    report: Path | None,
) -> None:
    """Hold scripted conversations with an agent, and judge them.

    Each SCENARIO is a document that says what a caller does and what has to come of it. By default
    it becomes a call in real time, over a simulated line, to a media pod of its own. Exit code 1 if
    a scenario fails, 2 if a document is not valid.
    """
    one_thread()
    if in_text and (report or voice or stt or tts):
        raise click.UsageError("--report, --voice, --stt and --tts are for calls: omit --text")
    _find_this_python()
    from interject_lab.evaluation import run
    from interject_lab.evaluation.scenario_files import read_scenarios

    files = read_scenarios(scenarios, agent)
    with ProgressReport(quiet=False, total_s=None) as progress:
        if in_text:
            outcomes = run_loop(run.run_in_text(files, jobs, progress.note))
        else:
            options = run.CallOptions(jobs, stt, tts or "agent", voice)
            outcomes = run_loop(run.run_by_call(files, options, progress.note, progress.elapsed))
        _write_files(outcomes, junit, report, progress.step)
    _print(outcomes)
    if not all(outcome.passed for outcome in outcomes):
        sys.exit(1)


def _find_this_python() -> None:
    """Have programs that an agent starts, such as MCP servers in Python, find the same Python."""
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])


def _write_files(
    outcomes: "Sequence[ScenarioOutcome]",
    junit: Path | None,
    report: Path | None,
    on_step: Callable[[str], None],
) -> None:
    if junit is not None:
        from interject_lab.evaluation.results import as_junit

        with writing(junit):
            junit.write_text(as_junit(outcomes), encoding="utf-8")
    if report is not None:
        from interject_lab.evaluation.call_reports import as_html

        on_step("writing the report")
        with writing(report):
            report.write_text(as_html(outcomes), encoding="utf-8")


def _print(outcomes: "Sequence[ScenarioOutcome]") -> None:
    from interject_lab.evaluation import results

    click.echo()
    print_table(*results.scenario_table(outcomes))
    header, rows = results.stage_table(outcomes)
    if rows:
        click.echo()
        print_table(header, rows)
    if scripted := [each.scenario.name for each in outcomes if each.scripted_stt]:
        click.echo(f"\nrecognized by a stand-in that knows the words: {', '.join(scripted)}")
    if busy := results.busy_line(outcomes):
        click.echo(f"\n{busy}")
    if lines := results.failure_lines(outcomes):
        click.echo()
        for line in lines:
            click.echo(line)
