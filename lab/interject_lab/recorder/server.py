"""One recorded pod, as a process of its own.

`python -m interject_lab.recorder.server MANIFEST ARRANGEMENT FOLDER` prints one JSON line with its
ports when it is ready, and writes its recordings to FOLDER when it ends.
"""

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from interject_lab.recorder.recorder import Recorder
from interject_lab.rules.baselines import ARRANGEMENTS
from media_pod.duplex.contract import DuplexBank
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.file import read_manifest
from media_pod.pod.pod import Addresses
from media_pod.pod.runtime import run_loop
from media_pod.pod.serve import serve_agent


def bank_of(arrangement: str) -> Callable[[AgentSpec], DuplexBank]:
    """What makes the bank of `arrangement`, a name in `ARRANGEMENTS`."""

    def bank(spec: AgentSpec) -> DuplexBank:
        return ARRANGEMENTS[arrangement].bank(spec.capacity.calls, spec.line.rate_hz)

    return bank


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
