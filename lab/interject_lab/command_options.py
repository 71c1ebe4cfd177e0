"""Options that several commands of the lab have."""

import os
from pathlib import Path
from typing import Final

import click

FILE: Final = click.Path(path_type=Path)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON only.")
seed = click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Seed of the random numbers; the same seed repeats the run.",
)
rate = click.option(
    "--rate",
    type=click.Choice(["8000", "16000"]),
    default="8000",
    show_default=True,
    help="Sample rate of the lines, Hz.",
)
corpus = click.option(
    "--corpus",
    type=FILE,
    metavar="FOLDER",
    help="Recordings beside the synthetic voices: as `interject lab corpus` fetches them, or your "
    "own in the folders speech/SPEAKER, bots/SPEAKER, noise/KIND and rooms.",
)
jobs = click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="the number of processors",
    help="Processes; each uses one thread.",
)
write = click.option(
    "--write",
    type=FILE,
    metavar="FILE",
    help="Also write the table into its section of this file, such as "
    "docs/explanation/measurements.md.",
)
