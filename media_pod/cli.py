"""The command line: `interject serve | call | demo | crd | lab | bench`.

Whatever a user can put right ends in one line that names the cause and the next step, and exit
code 2. Heavy packages are imported by the command that needs them, so that `--help` is quick.
"""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from media_pod import json_log
from media_pod.console import Steps, run_loop
from media_pod.errors import InterjectError, SetupError
from media_pod.measure.commands import bench, call, lab
from media_pod.one_thread import one_thread


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
    from media_pod.manifest import read_manifest

    agent = read_manifest(manifest)
    from media_pod.serve import serve_agent

    run_loop(serve_agent(agent, manifest.absolute()))


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
    one_thread()
    from media_pod.demo import run, scenario, table

    scene = scenario.SHORT if short else scenario.FULL
    steps = Steps(quiet=as_json, total_s=scene.seconds)
    outcome = run_loop(run.run_demo(scene, out, steps.say, steps.progress))
    if as_json:
        click.echo(json.dumps(table.as_json(outcome), indent=2))
    else:
        click.echo(f"\n{table.as_text(outcome)}\n\nreport: {outcome.report}")
    late = max(outcome.late_ticks)
    if late > run.LATE_TICKS_THAT_SHOW:
        click.echo(
            f"note: this machine was too busy; a pod missed {late} ticks of 20 ms, and the figures "
            "suffer from that. Run it again on a quieter one.",
            err=True,
        )


@cli.command()
@click.option("--docs", is_flag=True, help="The reference of all settings, in its place.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write it into this folder, under its usual name, and print nothing.",
)
def crd(docs: bool, out: Path | None) -> None:
    """Print the CustomResourceDefinition of VoiceAgent, for `kubectl apply`."""
    from media_pod.crd import definition, reference

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


cli.add_command(call)
cli.add_command(lab)
cli.add_command(bench)


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
    json_log.set_up(logging.DEBUG if verbose else logging.INFO, os.environ)
    for chatty in ("asyncio", "aiohttp.access", "matplotlib", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
