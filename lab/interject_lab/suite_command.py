"""`interject lab bench`: suites of calls under the rules of this project and of others."""

import json
import os
from pathlib import Path
from typing import Any, Final

import click

from interject_lab.terminal import ProgressReport, print_table
from media_pod.pod.runtime import one_thread

_FILE: Final = click.Path(path_type=Path)


@click.command("bench")
@click.option(
    "--suite",
    "suites",
    metavar="NAME|FILE",
    multiple=True,
    help="A suite of the lab, or a YAML document; repeatable.  [default: default]",
)
@click.option(
    "--rule",
    "rules",
    metavar="NAME",
    multiple=True,
    help="Who decides; repeatable.  [default: interject]",
)
@click.option(
    "--bank",
    "banks",
    metavar="MODULE:CLASS",
    multiple=True,
    help="Your own: a class that is called with the number of slots and the rate; repeatable.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Voices, noises and rooms of this split.",
)
@click.option(
    "--corpus",
    type=_FILE,
    metavar="FOLDER",
    help="Recordings beside the synthetic voices: as `interject lab corpus` fetches them, or your "
    "own in the folders speech/SPEAKER, bots/SPEAKER, noise/KIND and rooms.",
)
@click.option(
    "--calls",
    type=click.IntRange(1, 100_000),
    help="Calls of each suite.  [default: as the suite says]",
)
@click.option(
    "--rate",
    type=click.Choice(["8000", "16000"]),
    default="8000",
    show_default=True,
    help="Sample rate of the lines, Hz.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Seed of the random numbers; the same seed repeats the run.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the number of processors",
    help="Processes; each uses one thread.",
)
@click.option(
    "--out",
    type=_FILE,
    default=Path("out/bench"),
    show_default=True,
    help="Folder of the results and the report. A run that was interrupted goes on from them.",
)
@click.option(
    "--worst",
    type=click.IntRange(0, 50),
    default=6,
    show_default=True,
    help="Calls to show in the report, with audio.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON only.")
@click.option(
    "--write",
    type=_FILE,
    metavar="FILE",
    help="Also write the table into its section of this file, such as "
    "docs/explanation/measurements.md.",
)
def lab_bench(
    suites: tuple[str, ...],
    rules: tuple[str, ...],
    banks: tuple[str, ...],
    rate: str,
    out: Path,
    worst: int,
    as_json: bool,
    write: Path | None,
    **settings: Any,
) -> None:
    """Score who decides best when the caller speaks, on simulated calls with known truth."""
    one_thread()
    from interject_lab.reports.markdown import check_section, table, write_section
    from interject_lab.suite import tables
    from interject_lab.suite.plan import BenchPlan
    from interject_lab.suite.report import write_report
    from interject_lab.suite.run import run_bench

    decides = (*rules, *banks) or ("interject",)
    plan = BenchPlan(suites or ("default",), decides, rate_hz=int(rate), **settings)
    if write is not None:
        check_section(write, plan.section)
    out.mkdir(parents=True, exist_ok=True)
    with ProgressReport(quiet=as_json, total_s=None) as progress:
        rows = run_bench(plan, out / "results.jsonl", progress.calls_done)
        scores = tables.pooled(rows)
        progress.step("the report")
        report = write_report(plan, rows, scores, worst, out / "report.html")
    header, cells = tables.as_table(scores)
    if write is not None:
        made_by = f"Made by `{plan.command}`."
        write_section(write, plan.section, f"{made_by}\n\n{table(header, cells)}")
    if as_json:
        click.echo(json.dumps(tables.as_json(scores), indent=2))
    else:
        print_table(header, cells)
        click.echo(f"\nresults: {out / 'results.jsonl'}\nreport: {report}")
