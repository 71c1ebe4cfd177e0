"""`interject lab`: fetch recordings, score who decides best, train the judge.

Each command imports its heavy packages itself, so that `--help` is fast, and so that NumPy finds
its number of threads set.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from interject_lab import command_options as options
from interject_lab.errors import writing
from interject_lab.terminal import ProgressReport, print_table
from media_pod.pod.runtime import one_thread


@click.group()
def lab() -> None:
    """Simulated calls, faster than real time."""


@lab.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--only",
    metavar="NAME",
    multiple=True,
    help="Fetch this Debian package alone; repeatable.  [default: all]",
)
def corpus(folder: Path, only: tuple[str, ...]) -> None:
    """Fetch recorded voices and sounds into the folder DIR.

    They come from packages of Debian (some 700 MB to download), under licences of their own, which
    DIR/catalogue.csv names for each file. Packages that DIR has already are kept.
    """
    from interject_lab.material.fetching import fetch
    from interject_lab.material.packages import PACKAGES
    from media_pod.errors import SetupError

    unknown = [name for name in only if name not in PACKAGES]
    if unknown:
        raise click.BadParameter(
            f"{unknown[0]!r}, expected one of {', '.join(PACKAGES)}", param_hint="--only"
        )
    with ProgressReport(quiet=False, total_s=None) as progress:
        failures = fetch(folder, only or tuple(PACKAGES), progress.note)
    if failures:
        raise SetupError(
            f"{len(failures)} of the packages failed, run the command again: {'; '.join(failures)}"
        )


@lab.command("bench")
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
@options.corpus
@click.option(
    "--calls",
    type=click.IntRange(1, 100_000),
    help="Calls of each suite.  [default: as the suite says]",
)
@options.rate
@options.seed
@options.jobs
@click.option(
    "--out",
    type=options.FILE,
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
@options.as_json
@options.write
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
    from interject_lab.suite.report import write_planes, write_report
    from interject_lab.suite.run import run_bench

    decides = dict.fromkeys((*rules, *banks) or ("interject",))
    drawn_from = dict.fromkeys(suites or ("default",))
    plan = BenchPlan(tuple(drawn_from), tuple(decides), rate_hz=int(rate), **settings)
    if write is not None:
        check_section(write, plan.section)
    with writing(out, "--out"):
        out.mkdir(parents=True, exist_ok=True)
    with ProgressReport(quiet=as_json, total_s=None) as progress:
        rows = run_bench(plan, out / "results.jsonl", progress.calls_done)
        scores = tables.pooled(rows)
        progress.step("the report")
        report = write_report(plan, rows, scores, worst, out / "report.html")
    header, cells = tables.as_table(scores)
    if write is not None:
        made_by = f"Made by `{plan.command}`."
        planes = write_planes(scores, write)
        write_section(write, plan.section, "\n\n".join([made_by, table(header, cells), *planes]))
    if as_json:
        click.echo(json.dumps(tables.as_json(scores), indent=2))
    else:
        print_table(header, cells)
        click.echo(f"\nresults: {out / 'results.jsonl'}\nreport: {report}")


@lab.command()
@click.option(
    "--calls",
    type=click.IntRange(50, 100_000),
    default=10_000,
    show_default=True,
    help="Simulated calls of 30 s to learn from; a fifth more to choose on.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 100),
    default=12,
    show_default=True,
    help="Passes over the calls, of each network.",
)
@options.seed
@options.corpus
@click.option(
    "--folder",
    type=options.FILE,
    default=Path("out/train"),
    show_default=True,
    help="For the recorded features. A run that was interrupted goes on from them.",
)
@click.option(
    "--out",
    type=options.FILE,
    help="File of the weights.  [default: those of the package]",
)
@options.jobs
@options.as_json
def train(
    calls: int,
    epochs: int,
    seed: int,
    corpus: Path | None,
    folder: Path,
    out: Path | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Train the learned judge, and choose its stop rule."""
    one_thread()
    from interject_lab.training.train import TrainingPlan
    from interject_lab.training.train import train as make
    from media_pod.duplex.decision.judge.weights import PACKAGED
    from media_pod.errors import SetupError

    out = out or PACKAGED
    # An hour of computing should not end with a file that cannot be written.
    if out.is_dir():
        raise SetupError(f"cannot write {out}: it is a folder; give another --out")
    with writing(out, "--out"), tempfile.TemporaryFile(dir=out.parent):
        pass
    plan = TrainingPlan(calls, seed, corpus, folder, epochs=epochs, jobs=jobs)
    with ProgressReport(quiet=as_json, total_s=None) as progress:
        trained = make(plan, out, progress.step, progress.calls_done)
    if as_json:
        candidates = [candidate.as_dict() for candidate in trained.candidates]
        click.echo(json.dumps({"rule": trained.as_dict(), "candidates": candidates}, indent=2))
        return
    print_table(*trained.as_table())
    click.echo(f"\nweights: {out}")
