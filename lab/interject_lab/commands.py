"""The commands of the lab: `interject demo`, `call`, `lab` and `bench`.

Each command imports its heavy packages itself, so that `--help` is fast.
"""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from interject_lab import command_options as options
from interject_lab.lab_commands import lab
from interject_lab.terminal import ProgressReport, print_table
from media_pod.pod.runtime import one_thread, run_loop

__all__ = ["bench", "call", "demo", "lab"]


def at_seconds(what: str, example: str, allowed: str = r".+") -> Callable[[str], tuple[float, str]]:
    """A parser for SECONDS:WHAT, an action at a time of the call; it returns `(seconds, what)`.

    Args:
        what: its name in the error message.
        example: a valid value, for the error message.
        allowed: a regular expression that the whole value must match.
    """

    def read(value: str) -> tuple[float, str]:
        seconds, _, found = value.partition(":")
        at_s = _number(seconds)
        if not 0 <= at_s < math.inf or re.fullmatch(allowed, found, re.DOTALL) is None:
            raise click.BadParameter(f"{value!r}, expected SECONDS:{what}, such as 3.5:{example}")
        return at_s, found

    return read


def loss_db(value: str) -> float:
    """Parse a loss in dB; `math.inf` for the word none."""
    found = math.inf if value == "none" else _number(value)
    if math.isnan(found) or (math.isinf(found) and value != "none"):
        raise click.BadParameter(f"{value!r}, expected a number of dB, or none for no echo")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@click.command()
@click.option("--short", is_flag=True, help="One interruption instead of three, in half a minute.")
@click.option(
    "--out",
    type=options.FILE,
    default=Path("out/demo"),
    show_default=True,
    help="Folder for the report and the pods' logs.",
)
@options.as_json
def demo(short: bool, out: Path, as_json: bool) -> None:
    """Make the same call to three pods, and compare their listening modes.

    half-duplex ignores the caller while the bot speaks; naive cancels the echo without knowing its
    delay; interject is this project's own.
    """
    one_thread()
    from interject_lab.demo import run, scenario

    scene = scenario.SHORT if short else scenario.FULL
    with ProgressReport(quiet=as_json, total_s=scene.seconds) as progress:
        outcome = run_loop(run.run_demo(scene, out, progress.step, progress.elapsed))
    if as_json:
        click.echo(json.dumps(run.as_json(outcome), indent=2))
    else:
        click.echo()
        print_table(*run.as_table(outcome))
        click.echo(f"\nreport: {outcome.report}")
    late = max(outcome.late_ticks)
    if late > run.LATE_TICKS_THAT_SHOW:
        click.echo(
            f"note: this machine was too busy: a pod missed {late} ticks of 20 ms, so the figures "
            "are not reliable. Run the command again on an idle machine.",
            err=True,
        )


@click.command()
@click.argument("address", metavar="HOST:PORT")
@click.option(
    "--say",
    "says",
    metavar="SECONDS:TEXT",
    multiple=True,
    type=at_seconds("TEXT", "hello"),
    help="Say TEXT at this second of the call; repeatable.",
)
@click.option(
    "--play",
    "plays",
    metavar="SECONDS:WAV",
    multiple=True,
    type=at_seconds("WAV", "hello.wav"),
    help="Play an audio file at this second of the call; repeatable.",
)
@click.option(
    "--dtmf",
    metavar="SECONDS:DIGITS",
    multiple=True,
    type=at_seconds("DIGITS", "42#", "[0-9A-D*#]+"),
    help="Send DTMF from this second on, four digits per second; repeatable.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="Hang up after this time.",
)
@click.option(
    "--erl-db",
    metavar="DB|none",
    type=loss_db,
    default="15",
    show_default=True,
    help="Echo return loss: level of the echo below the bot's voice.",
)
@click.option(
    "--delay-ms",
    type=click.FloatRange(0, 2000),
    default=250.0,
    show_default=True,
    help="Delay of the echo.",
)
@click.option(
    "--path",
    type=click.Choice(["hybrid", "room"]),
    default="hybrid",
    show_default=True,
    help="Source of the echo: a telephone hybrid, or a loudspeaker in a room.",
)
@click.option(
    "--noise-dbfs",
    type=click.FloatRange(-120, 0),
    default=-65.0,
    show_default=True,
    help="Level of white noise on the line.",
)
@click.option(
    "--rate-hz",
    type=click.Choice(["8000", "16000"]),
    default="8000",
    show_default=True,
    help="Sample rate; must equal the pod's spec.line.rateHz.",
)
@options.seed
@click.option(
    "--record",
    type=options.FILE,
    metavar="FILE",
    help="Write the call to this audio file (.wav, .flac, .ogg): caller left, bot right.",
)
@options.as_json
def call(address: str, rate_hz: str, record: Path | None, as_json: bool, **plan: Any) -> None:
    """Call a pod with a simulated telephone. HOST:PORT is the address of the pod's HTTP API."""
    from uuid import uuid4

    from interject_lab import single_call
    from interject_lab.scoring import call_summary

    def on_event(at_s: float, what: str) -> None:
        if not as_json:
            click.echo(f"{at_s:7.2f} s  {what}")

    made = run_loop(
        single_call.call(
            address, single_call.CallPlan(rate_hz=int(rate_hz), **plan), uuid4(), on_event
        )
    )
    if record is not None:
        single_call.save_stereo(record, made)
    summary = call_summary.summarize(made)
    text = f"\n{call_summary.as_text(summary)}"
    click.echo(json.dumps(summary.as_dict(), indent=2) if as_json else text)


@click.group()
def bench() -> None:
    """CPU cost on this machine."""


@bench.command()
@click.option(
    "--calls",
    type=click.IntRange(1, 1000),
    multiple=True,
    help="Number of concurrent calls; repeatable.  [default: 1, 16, 64, 128]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=10.0,
    show_default=True,
    help="Duration of each measurement, after 5 s of warm-up.",
)
@click.option(
    "--scrape",
    is_flag=True,
    help="Read /metrics and /api/calls ten times a second meanwhile.",
)
@options.as_json
@options.write
def tick(
    calls: tuple[int, ...], seconds: float, scrape: bool, as_json: bool, write: Path | None
) -> None:
    """Measure the CPU time of a call per 20 ms tick, on one core."""
    one_thread()
    from interject_lab.bench import tick as tick_bench
    from interject_lab.reports.markdown import check_section, table, write_section

    if write is not None:
        check_section(write, tick_bench.SECTION)
    sizes = calls or tick_bench.SIZES
    with ProgressReport(quiet=as_json, total_s=0) as progress:
        measuring = tick_bench.bench(
            sizes, tick_bench.WARM_UP_S, seconds, progress.step, scrape=scrape
        )
        found = run_loop(measuring)
    tables = tick_bench.as_tables(found)
    if write is not None:
        options = "".join(f" --calls {size}" for size in calls) + " --scrape" * scrape
        command = f"interject bench tick --seconds {seconds:g}{options}"
        made_by = f"Made by `{command}` on one core of {tick_bench.cpu_model()}."
        write_section(
            write, tick_bench.SECTION, "\n\n".join([made_by, *(table(*each) for each in tables)])
        )
    if as_json:
        click.echo(json.dumps(tick_bench.as_json(seconds, found), indent=2))
    else:
        for each in tables:
            print_table(*each)
            click.echo()


@bench.command()
@click.option(
    "--calls",
    type=click.IntRange(1, 200),
    default=20,
    show_default=True,
    help="Number of concurrent calls.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="Duration of each measurement, after 8 s of warm-up.",
)
@options.as_json
@options.write
def conversation(calls: int, seconds: float, as_json: bool, write: Path | None) -> None:
    """Measure whether streaming providers disturb a pod's clock: with them and without."""
    one_thread()
    from interject_lab.bench import conversation as conversation_bench
    from interject_lab.reports.markdown import check_section, table, write_section

    if write is not None:
        check_section(write, conversation_bench.SECTION)
    with ProgressReport(quiet=as_json, total_s=0) as progress:
        found = run_loop(conversation_bench.bench(calls, seconds, progress.step))
    header, rows = conversation_bench.as_table(found)
    if write is not None:
        command = f"interject bench conversation --calls {calls} --seconds {seconds:g}"
        made_by = f"Made by `{command}`: a pod on one core, its callers and providers on another."
        text = "\n\n".join([made_by, table(header, rows)])
        write_section(write, conversation_bench.SECTION, text)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        print_table(header, rows)
