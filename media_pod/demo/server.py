"""One pod of the demonstration, as a process of its own: `python -m media_pod.demo.server`.

Prints one JSON line with its ports when it is ready, and writes its recording when it ends.
"""

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from media_pod.console import run_loop
from media_pod.demo.arrangements import bank_of
from media_pod.demo.recorder import Recorder
from media_pod.demo.scenario import agent
from media_pod.pod import Addresses
from media_pod.serve import serve_agent


def main(arrangement: str, folder: str) -> None:
    """Serve one arrangement until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    recorder = Recorder()
    run_loop(
        serve_agent(
            agent(),
            Path(folder),
            bank=bank_of(arrangement),
            tap=recorder,
            on_ready=_print_addresses,
        )
    )
    recorder.save(Path(folder))


def _print_addresses(addresses: Addresses) -> None:
    sys.stdout.write(json.dumps(asdict(addresses)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
