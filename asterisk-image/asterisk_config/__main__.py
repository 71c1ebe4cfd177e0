"""The commands of the image: `python3 -m asterisk_config COMMAND`, which `--help` lists.

Errors that a user can fix end in one line with the location, what was found and what is allowed,
and exit code 2.
"""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from asterisk_config import certificate
from asterisk_config.dialplan import web_socket_agents
from asterisk_config.environment import read_values
from asterisk_config.modules import all_modules
from asterisk_config.places import WORK, Places, write
from asterisk_config.publisher import Publisher
from asterisk_config.render import reference, render, snippet
from asterisk_config.stuck_calls import StuckCalls
from asterisk_config.supervisor import Watch, run_asterisk, spawn
from asterisk_config.values import Values
from asterisk_config.values_watch import ValuesWatch
from media_pod.errors import InterjectError

USAGE_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        return _command(options)
    except InterjectError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR


def _command(options: argparse.Namespace) -> int:
    match options.command:
        case "run":
            return _run(_places(options))
        case "render":
            write(options.out, render(read_values(os.environ), _places(options)))
        case "snippet":
            sys.stdout.write(snippet(read_values(os.environ)))
        case "docs":
            sys.stdout.write(reference())
        case "modules":
            sys.stdout.write("".join(f"{name}\n" for name in sorted(all_modules())))
    return 0


def _run(places: Places) -> int:
    watch = ValuesWatch(os.environ, places, spawn)
    values = watch.values
    for folder in places.written:
        write(folder, {})
    watches = [watch, *_watches(values, places)]
    write(places.etc, watch.rendered)
    over_websocket = bool(values.published or web_socket_agents(values))
    stuck = StuckCalls(places, spawn) if over_websocket else None
    return run_asterisk(places, values.drain_seconds, watches=watches, stuck=stuck)


def _watches(values: Values, places: Places) -> Iterator[Watch]:
    """Watches of files that can change at runtime."""
    if values.published:
        yield Publisher(places, spawn, values.transfer_places)
    if values.sip.tls:
        certificate.check(values)
        yield certificate.CertificateWatch(values.sip.tls, places, spawn)


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
    where.add_argument(
        "--work", type=Path, default=WORK, help="folder for all files that are written"
    )
    where.add_argument("--tree", type=Path, help="folder with unpacked Asterisk packages")
    render_ = commands.add_parser("render", parents=[where], help="write Asterisk's configuration")
    render_.add_argument("--out", type=Path, required=True, help="target folder")
    commands.add_parser(
        "run", parents=[where], help="write Asterisk's configuration and run Asterisk"
    )
    commands.add_parser("snippet", help="print the dialplan for your own Asterisk")
    commands.add_parser("docs", help="print a table of all values")
    commands.add_parser("modules", help="print all modules that any values can need, one per line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
