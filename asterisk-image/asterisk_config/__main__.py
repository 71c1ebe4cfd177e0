"""The commands of the image: `python3 -m asterisk_config COMMAND`, which `--help` lists.

Whatever a user can put right ends in one line that says where it is, what was found and what is
allowed, and exit code 2. The models are imported by the commands that need them: a health check
runs every few seconds, and loading them would be most of its cost.
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from asterisk_config.health import UnhealthyError, check
from asterisk_config.places import WORK, Places
from media_pod.errors import InterjectError

if TYPE_CHECKING:
    from asterisk_config.supervisor import Watch
    from asterisk_config.values import Values

USAGE_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        return _command(options)
    except UnhealthyError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except InterjectError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR


def _command(options: argparse.Namespace) -> int:
    match options.command:
        case "check":
            check(_places(options), options.deadline)
        case "run":
            return _run(_places(options))
        case "render":
            from asterisk_config.environment import read_values
            from asterisk_config.render import render
            from asterisk_config.write import write

            write(options.out, render(read_values(os.environ), _places(options)))
        case "snippet":
            from asterisk_config.environment import read_values
            from asterisk_config.render import snippet

            sys.stdout.write(snippet(read_values(os.environ)))
        case "docs":
            from asterisk_config.reference import reference

            sys.stdout.write(reference())
        case "modules":
            from asterisk_config.modules import every

            sys.stdout.write("".join(f"{name}\n" for name in sorted(every())))
    return 0


def _run(places: Places) -> int:
    from asterisk_config.environment import read_values
    from asterisk_config.render import render
    from asterisk_config.supervisor import run_asterisk
    from asterisk_config.write import write

    values = read_values(os.environ)
    for folder in places.written:
        write(folder, {})
    watches = list(_watches(values, places))
    write(places.etc, render(values, places))
    return run_asterisk(places, values.drain_seconds, watches=watches)


def _watches(values: "Values", places: Places) -> Iterator["Watch"]:
    """What changes while Asterisk runs."""
    from asterisk_config.supervisor import spawn

    if values.published:
        from asterisk_config.publisher import Publisher

        yield Publisher(places, spawn)
    if values.sip.tls:
        from asterisk_config.certificate import CertificateWatch, check

        check(values)
        yield CertificateWatch(values.sip.tls, places, spawn)


def _places(options: argparse.Namespace) -> Places:
    if options.tree is not None:
        return Places.unpacked(options.tree, options.work, os.uname().machine)
    return Places.installed(options.work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python3 -m asterisk_config", description="Interject's Asterisk."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--work", type=Path, default=WORK, help="folder for all that is written")
    where.add_argument("--tree", type=Path, help="Asterisk's packages, unpacked below this folder")
    render_ = commands.add_parser("render", parents=[where], help="write Asterisk's files")
    render_.add_argument("--out", type=Path, required=True, help="folder for the files")
    commands.add_parser("run", parents=[where], help="write Asterisk's files and run it")
    check_ = commands.add_parser("check", parents=[where], help="exit with 0 if Asterisk is up")
    check_.add_argument("--deadline", type=float, default=3.0, help="in seconds")
    commands.add_parser("snippet", help="the dialplan for an Asterisk of your own")
    commands.add_parser("docs", help="the values as a table")
    commands.add_parser("modules", help="Asterisk's modules that any values need, one a line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
