"""The command line: `interject serve | check | talk | crd`, and those of installed packages.

The lab registers `call`, `demo`, `lab`, `bench` and `eval` as entry points of the group
`interject.commands`. An error that the user can fix is printed as one line with the cause and the
next step, and the exit code is 2. Commands import heavy packages themselves, to keep `--help` fast.
"""

import logging
import os
import signal
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

import click

from media_pod import logs
from media_pod.errors import InterjectError, SetupError
from media_pod.pod.runtime import one_thread, run_loop

_GROUP: Final = "interject.commands"


class Commands(click.Group):
    """This module's commands, and those that installed packages register.

    The latter are imported when they are asked for: a pod does not load the lab.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all of them."""
        return sorted({*super().list_commands(ctx), *entry_points(group=_GROUP).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name; a stub for one whose package is missing."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (found := entry_points(group=_GROUP)).names:
            return own
        entry = found[cmd_name]
        installed = find_spec(entry.module.partition(".")[0]) is not None
        return entry.load() if installed else _not_installed(cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interject")
def cli() -> None:
    """Voice agents on Asterisk that callers can interrupt."""


@cli.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--verbose", "-v", is_flag=True, help="Log every turn of every call.")
def serve(manifest: Path, verbose: bool) -> None:
    """Run a media pod with the VoiceAgent in the file MANIFEST."""
    _end_on_sigterm()
    one_thread()
    _log(logging.DEBUG if verbose else logging.INFO)
    from media_pod.manifest.file import read_manifest

    agent = read_manifest(manifest)
    from media_pod.pod.serve import serve_agent

    run_loop(serve_agent(agent, manifest.absolute()))


@cli.command()
@click.argument("manifest", type=click.Path(path_type=Path))
def check(manifest: Path) -> None:
    """Try everything that the VoiceAgent in the file MANIFEST needs, without a call.

    Servers, keys, models, voices, templates, recordings and tools: one line each. Exit code 2 if
    something would not work in a call.
    """
    _log(logging.ERROR)
    from media_pod.manifest.file import read_manifest

    agent, folder = read_manifest(manifest), manifest.absolute().parent
    from media_pod.pod.check import check_agent

    async def run() -> int:
        problems = 0
        async for finding in check_agent(agent.spec, folder, os.environ):
            problems += finding.is_problem
            mark = "problem" if finding.is_problem else "ok"
            click.echo(f"{mark:8} {finding.path}: {finding.text}")
        return problems

    if problems := run_loop(run()):
        raise SetupError(f"{manifest}: {problems} to mend before a call")


@cli.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--caller", default="", help="Number of the caller, for templates.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable of the call, as a dialplan passes it; several are possible.",
)
def talk(manifest: Path, caller: str, variables: tuple[str, ...]) -> None:
    """Talk to the VoiceAgent in the file MANIFEST, in text; its tools are called and shown."""
    _log(logging.WARNING)
    from media_pod.manifest.file import read_manifest

    agent = read_manifest(manifest)
    from media_pod.dialogues.ports import CallInfo
    from media_pod.pod.talk import read_line, talk_with

    pairs = dict(pair.partition("=")[::2] for pair in variables)
    info = CallInfo("talk", caller, agent.metadata.name, variables=pairs)
    folder = manifest.absolute().parent
    run_loop(talk_with(agent.spec, folder, info, read_line, click.echo))


@cli.command()
@click.option(
    "--docs", is_flag=True, help="Print the reference of all settings instead (Markdown)."
)
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write to a file of the standard name in FOLDER instead of standard output.",
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


def _not_installed(name: str) -> click.Command:
    """A hidden command that accepts any arguments and says what to install."""

    def fail(arguments: tuple[str, ...]) -> NoReturn:
        raise SetupError(f"{name} is not installed here; run: pip install 'interject[lab]'")

    return click.Command(
        name,
        callback=fail,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        add_help_option=False,
        hidden=True,
    )


def main() -> NoReturn:
    """Run the command line, and turn errors into messages and exit codes."""
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
            f"interject: the package {error.name} is not installed; run "
            "pip install 'interject[media]' for serve, or "
            "pip install 'interject[lab]' for the other commands",
            err=True,
        )
        sys.exit(2)
    sys.exit(0)


def _end_on_sigterm() -> None:
    """Exit on SIGTERM while the pod loads; the running pod installs its own handler, which drains.

    Process 1 of a container ignores signals without a handler, so a pod deleted while it loads
    would otherwise run on until the end of its grace period.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))


def _log(level: int) -> None:
    logs.set_up(level, os.environ)
    for chatty in (
        "asyncio",
        "aiohttp.access",
        "httpcore2",
        "httpx2",
        "matplotlib",
        "mcp",
        "openai",
        "websockets",
    ):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
