"""`interject lab train`: makes the weights of the learned judge."""

import json
import os
from pathlib import Path
from typing import Final

import click

from interject_lab.terminal import ProgressReport, print_table
from media_pod.pod.runtime import one_thread

_FILE: Final = click.Path(path_type=Path)


@click.command()
@click.option(
    "--calls",
    type=click.IntRange(50, 100_000),
    default=900,
    show_default=True,
    help="Simulated calls of 40 s to learn from; a fifth more to choose on.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 100),
    default=8,
    show_default=True,
    help="Passes over the calls, of each network.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Seed of the calls and of the networks.",
)
@click.option(
    "--corpus",
    type=_FILE,
    metavar="FOLDER",
    help="Recordings beside the synthetic voices: as `interject lab corpus` fetches them, or your "
    "own in the folders speech/SPEAKER, bots/SPEAKER, noise/KIND and rooms.",
)
@click.option(
    "--folder",
    type=_FILE,
    default=Path("out/train"),
    show_default=True,
    help="For the recorded features. A run that was interrupted goes on from them.",
)
@click.option(
    "--out",
    type=_FILE,
    help="File of the weights.  [default: those of the package]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the number of processors",
    help="Processes that record and fit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON only.")
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

    out = out or PACKAGED
    plan = TrainingPlan(calls, seed, corpus, folder, epochs=epochs, jobs=jobs)
    with ProgressReport(quiet=as_json, total_s=None) as progress:
        trained = make(plan, out, progress.step, progress.calls_done)
    if as_json:
        candidates = [candidate.as_dict() for candidate in trained.candidates]
        click.echo(json.dumps({"rule": trained.as_dict(), "candidates": candidates}, indent=2))
        return
    print_table(*trained.as_table())
    click.echo(f"\nweights: {out}")
