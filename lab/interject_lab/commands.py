"""The commands that measure: `interject call`, `interject lab sweep`, `interject bench tick`.

Heavy packages are imported by the command that needs them, so that `--help` is quick.
"""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from media_pod.pod.runtime import Steps, one_thread, run_loop


def at_seconds(what: str, example: str, allowed: str = r".+") -> Callable[[str], tuple[float, str]]:
    """Reads SECONDS:WHAT, something that happens at a time of the call, as `(seconds, what)`.

    Args:
        what: how the error calls it.
        example: of what is allowed.
        allowed: what it must match, whole.
    """

    def read(value: str) -> tuple[float, str]:
        seconds, _, found = value.partition(":")
        at_s = _number(seconds)
        if not 0 <= at_s < math.inf or re.fullmatch(allowed, found, re.DOTALL) is None:
            raise click.BadParameter(f"{value!r}, expected SECONDS:{what}, such as 3.5:{example}")
        return at_s, found

    return read


def loss_db(value: str) -> float:
    """Reads a loss in dB; `math.inf` for the word none."""
    found = math.inf if value == "none" else _number(value)
    if math.isnan(found) or (math.isinf(found) and value != "none"):
        raise click.BadParameter(f"{value!r}, expected a number of dB, or none for no echo")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


_FILE: Final = click.Path(path_type=Path)

_as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the table as JSON, and nothing else."
)
_write = click.option(
    "--write",
    type=_FILE,
    metavar="FILE",
    help="Also write the table into its section of this document, such as docs/measurements.md.",
)


@click.command()
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
    from interject_lab.demo import run, scenario

    scene = scenario.SHORT if short else scenario.FULL
    steps = Steps(quiet=as_json, total_s=scene.seconds)
    outcome = run_loop(run.run_demo(scene, out, steps.say, steps.progress))
    if as_json:
        click.echo(json.dumps(run.as_json(outcome), indent=2))
    else:
        click.echo(f"\n{run.as_text(outcome)}\n\nreport: {outcome.report}")
    late = max(outcome.late_ticks)
    if late > run.LATE_TICKS_THAT_SHOW:
        click.echo(
            f"note: this machine was too busy; a pod missed {late} ticks of 20 ms, and the figures "
            "suffer from that. Run it again on a quieter one.",
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
    help="Say TEXT at that second; may be repeated.",
)
@click.option(
    "--play",
    "plays",
    metavar="SECONDS:WAV",
    multiple=True,
    type=at_seconds("WAV", "hello.wav"),
    help="Play a recording to the bot at that second; may be repeated.",
)
@click.option(
    "--dtmf",
    metavar="SECONDS:DIGITS",
    multiple=True,
    type=at_seconds("DIGITS", "42#", "[0-9A-D*#]+"),
    help="Press keys from that second on, four a second; may be repeated.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="Hang up after so long.",
)
@click.option(
    "--erl-db",
    metavar="DB|none",
    type=loss_db,
    default="15",
    show_default=True,
    help="How far the echo lies below the bot's voice.",
)
@click.option(
    "--delay-ms",
    type=click.FloatRange(0, 2000),
    default=250.0,
    show_default=True,
    help="How late the echo comes back.",
)
@click.option(
    "--path",
    type=click.Choice(["hybrid", "room"]),
    default="hybrid",
    show_default=True,
    help="Where the echo arises.",
)
@click.option(
    "--noise-dbfs",
    type=click.FloatRange(-120, 0),
    default=-65.0,
    show_default=True,
    help="White noise on the line.",
)
@click.option(
    "--rate-hz",
    type=click.Choice(["8000", "16000"]),
    default="8000",
    show_default=True,
    help="The pod's spec.line.rateHz.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--record", type=_FILE, metavar="WAV", help="Keep the call: caller left, bot right.")
@_as_json
def call(address: str, rate_hz: str, record: Path | None, as_json: bool, **plan: Any) -> None:
    """Call the pod whose API is at HOST:PORT with a simulated telephone."""
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
    seen = call_summary.summarize(made)
    click.echo(
        json.dumps(seen.as_dict(), indent=2) if as_json else f"\n{call_summary.as_text(seen)}"
    )


@click.group()
def lab() -> None:
    """The simulated telephone network, faster than real time."""


@lab.command()
@click.option(
    "--calls",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="Calls per kind of line.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(5, 3600),
    default=60.0,
    show_default=True,
    help="Length of a call.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option(
    "--speech",
    type=_FILE,
    metavar="FOLDER",
    multiple=True,
    help="Callers from WAV files instead of synthetic ones; may be repeated.",
)
@click.option(
    "--bot-speech",
    type=_FILE,
    metavar="FOLDER",
    multiple=True,
    help="Bots from WAV files instead of synthetic ones; may be repeated.",
)
@_as_json
@_write
def sweep(
    calls: int,
    seconds: float,
    seed: int,
    speech: tuple[Path, ...],
    bot_speech: tuple[Path, ...],
    as_json: bool,
    write: Path | None,
) -> None:
    """Compare three arrangements on eighteen kinds of line."""
    one_thread()
    from interject_lab.reports.markdown import check_section, write_section
    from interject_lab.speech_material import load
    from interject_lab.sweep import sweep as sweeping

    if write is not None:
        check_section(write, sweeping.SECTION)
    plan = sweeping.SweepPlan(calls, seconds, seed)
    steps = Steps(quiet=as_json, total_s=plan.clock_s)
    material = load(bot_speech, speech, sweeping.RATE_HZ)
    swept = sweeping.sweep(plan, material, steps.say, steps.progress)
    text = sweeping.as_markdown(swept)
    if write is not None:
        folders = [("--speech", speech), ("--bot-speech", bot_speech)]
        options = "".join(f" {name} {folder}" for name, given in folders for folder in given)
        command = f"interject lab sweep --calls {calls} --seconds {seconds:g} --seed {seed}"
        made_by = f"Made by `{command}{options}`."
        write_section(write, sweeping.SECTION, f"{made_by} {sweeping.notes(swept)}\n\n{text}")
    click.echo(json.dumps(sweeping.as_json(plan, swept), indent=2) if as_json else text)


@click.group()
def bench() -> None:
    """What things cost on this machine."""


@bench.command()
@click.option(
    "--calls",
    type=click.IntRange(1, 1000),
    multiple=True,
    help="Measure so many calls; may be repeated.  [default: 1, 16, 64, 128]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=10.0,
    show_default=True,
    help="How long each is measured, after 5 s to warm up.",
)
@_as_json
@_write
def tick(calls: tuple[int, ...], seconds: float, as_json: bool, write: Path | None) -> None:
    """Measure what a call costs per 20 ms tick, on one core."""
    one_thread()
    from interject_lab.bench import tick as tick_bench
    from interject_lab.reports.markdown import check_section, write_section

    if write is not None:
        check_section(write, tick_bench.SECTION)
    sizes = calls or tick_bench.SIZES
    steps = Steps(quiet=as_json, total_s=0)
    found = run_loop(tick_bench.bench(sizes, tick_bench.WARM_UP_S, seconds, steps.say))
    text = tick_bench.as_markdown(found)
    if write is not None:
        options = "".join(f" --calls {size}" for size in calls)
        command = f"interject bench tick --seconds {seconds:g}{options}"
        made_by = f"Made by `{command}` on one core of {tick_bench.cpu_model()}."
        write_section(write, tick_bench.SECTION, f"{made_by}\n\n{text}")
    click.echo(json.dumps(tick_bench.as_json(seconds, found), indent=2) if as_json else text)
