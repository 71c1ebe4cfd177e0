"""The command line: `interject serve | call | demo | lab | bench`.

Whatever a user can put right ends in one line that names the cause and the next step, and exit
code 2. Heavy packages are imported by the command that needs them, so that `--help` is quick.
"""

import asyncio
import ctypes
import json
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from media_pod.errors import InterjectError

T = TypeVar("T")

_CLEAR: Final = "\r\x1b[K"
_LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MALLOPT: Final = {-3: 1 << 30, -1: (1 << 31) - 1, -2: 64 << 20}
"""M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD: arrays of a tick are not given back to the system
and faulted in again fifty times a second."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interject")
def cli() -> None:
    """Voice agents on Asterisk that callers can interrupt."""


@cli.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--verbose", "-v", is_flag=True, help="Log every turn of every call.")
def serve(manifest: Path, verbose: bool) -> None:
    """Run a media pod from the VoiceAgent in MANIFEST."""
    _one_thread()
    _log(verbose)
    from media_pod.manifest import read_manifest

    agent = read_manifest(manifest)
    from media_pod.serve import serve_agent

    _run(serve_agent(agent, manifest.resolve().parent))


@cli.command()
@click.option("--short", is_flag=True, help="Half a minute: one interruption instead of three.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Folder for the report.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON, and nothing else.")
def demo(short: bool, out: Path, as_json: bool) -> None:
    """Make the same call to three arrangements, and compare them."""
    _one_thread()
    from media_pod.demo import run, scenario, table

    scene = scenario.SHORT if short else scenario.FULL
    steps = _Steps(quiet=as_json, total_s=scene.seconds)
    outcome = _run(run.run_demo(scene, out, steps.say, steps.progress))
    if as_json:
        click.echo(json.dumps(table.as_json(outcome), indent=2))
    else:
        click.echo(f"\n{table.as_text(outcome)}\n\nreport: {outcome.report}")


class _Steps:
    """Progress of long work, on standard error."""

    def __init__(self, *, quiet: bool, total_s: float) -> None:
        self._quiet = quiet
        self._total_s = total_s
        self._live = sys.stderr.isatty()

    def say(self, step: str) -> None:
        """A new step begins."""
        if not self._quiet:
            click.echo(f"{_CLEAR if self._live else ''}{step} ...", err=True)

    def progress(self, elapsed_s: float) -> None:
        """The calls have lasted so long."""
        if self._quiet or (not self._live and round(elapsed_s) % 10):
            return
        text = f"  {elapsed_s:3.0f} of {self._total_s:.0f} s"
        click.echo(f"{_CLEAR}{text}" if self._live else text, err=True, nl=not self._live)


def main() -> NoReturn:
    """Run the command line, and turn errors into words."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except InterjectError as error:
        click.echo(f"interject: {error}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("media_pod"):
            raise
        click.echo(
            f"interject: the package {error.name} is missing; "
            "install what this command needs: pip install 'interject[lab]'",
            err=True,
        )
        sys.exit(2)
    sys.exit(0)


def _run(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _one_thread() -> None:
    """One thread for arrays, and memory that stays: what a pod's ticks want.

    Threads that share a core with the clock only add jitter. To be called before NumPy is imported.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for parameter, value in _MALLOPT.items():
            libc.mallopt(parameter, value)


def _log(verbose: bool) -> None:
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format=_LOG_FORMAT)
    for chatty in ("asyncio", "aiohttp.access", "matplotlib", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
