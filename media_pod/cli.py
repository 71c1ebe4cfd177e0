"""The command line: `interject serve | crd`, and `call | demo | lab | bench` where the lab is.

Whatever a user can put right ends in one line that names the cause and the next step, and exit
code 2. Heavy packages are imported by the command that needs them, so that `--help` is quick.
"""

import logging
import os
import signal
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import click

from media_pod import logs
from media_pod.errors import InterjectError, SetupError
from media_pod.pod.runtime import one_thread, run_loop


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interject")
def cli() -> None:
    """Voice agents on Asterisk that callers can interrupt."""


@cli.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--verbose", "-v", is_flag=True, help="Log every turn of every call.")
def serve(manifest: Path, verbose: bool) -> None:
    """Run a media pod from the VoiceAgent in MANIFEST."""
    _end_on_sigterm()
    one_thread()
    _log(verbose)
    from media_pod.manifest.file import read_manifest

    agent = read_manifest(manifest)
    from media_pod.pod.serve import serve_agent

    run_loop(serve_agent(agent, manifest.absolute()))


@cli.command()
@click.option("--docs", is_flag=True, help="The reference of all settings, in its place.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write it into this folder, under its usual name, and print nothing.",
)
def crd(docs: bool, out: Path | None) -> None:
    """Print the CustomResourceDefinition of VoiceAgent, for `kubectl apply`."""
    from media_pod.manifest.crd import definition, reference

    if docs:
        name, text = reference.FILE_NAME, reference.as_markdown()
    else:
        made = definition.definition()
        name, text = definition.file_name(made), definition.as_text(made)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{out / name}: {error.strerror}; give another folder") from error


def _add_commands() -> None:
    """Take in the commands of packages that are installed beside this one, as the lab's."""
    for entry in entry_points(group="interject.commands"):
        if find_spec(entry.module.partition(".")[0]) is not None:
            cli.add_command(entry.load(), entry.name)


_add_commands()


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
            "install what this command needs: pip install 'interject[media]' to serve, "
            "'interject[lab]' for the rest",
            err=True,
        )
        sys.exit(2)
    sys.exit(0)


def _end_on_sigterm() -> None:
    """Until the pod drains on it. The kernel drops a signal to process 1 of a container that has no
    handler, and there a pod that is deleted while it loads would go on for its grace period."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))


def _log(verbose: bool) -> None:
    logs.set_up(logging.DEBUG if verbose else logging.INFO, os.environ)
    for chatty in ("asyncio", "aiohttp.access", "matplotlib", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
