"""`interject lab corpus`: fetches recordings for the lab's calls."""

from pathlib import Path

import click

from interject_lab.terminal import ProgressReport


@click.command()
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
