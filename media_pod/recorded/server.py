"""One recorded pod, as a process of its own.

`python -m media_pod.recorded.server MANIFEST ARRANGEMENT FOLDER` prints one JSON line with its
ports when it is ready, and writes its recordings to FOLDER when it ends.
"""

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from media_pod.console import run_loop
from media_pod.manifest import read_manifest
from media_pod.pod import Addresses
from media_pod.recorded.banks import bank_of
from media_pod.recorded.recorder import Recorder
from media_pod.serve import serve_agent


def main(manifest: str, arrangement: str, folder: str) -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    path, recorder = Path(manifest), Recorder()
    run_loop(
        serve_agent(
            read_manifest(path),
            path,
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
