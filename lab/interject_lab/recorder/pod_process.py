"""A recorded pod as a process: how the lab starts and stops it, and what runs in it.

`python -m interject_lab.recorder.pod_process MANIFEST LISTENING_MODE FOLDER` prints one JSON line
with its ports when it is ready, and writes its recordings to FOLDER when it ends.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from interject_lab.recorder.recorder import Recorder
from interject_lab.rules.registry import LISTENING_MODES
from media_pod.duplex.contract import DuplexBank
from media_pod.errors import SetupError
from media_pod.manifest.agent import AgentSpec, VoiceAgent
from media_pod.manifest.file import read_manifest
from media_pod.pod.pod import Addresses, make_bank
from media_pod.pod.runtime import ONE_THREAD, run_loop
from media_pod.pod.serve import serve_agent

START_DEADLINE_S: Final = 60.0
STOP_DEADLINE_S: Final = 20.0
_METRICS_DEADLINE_S: Final = 5.0
_LATE_TICKS: Final = "interject_late_ticks"


class PodProcess:
    """A pod that runs.

    Args:
        process: the pod's.
        addresses: where it listens.
    """

    def __init__(self, process: asyncio.subprocess.Process, addresses: Addresses) -> None:
        assert process.stdout is not None, "its output is a pipe"
        self._process = process
        self.addresses = addresses
        self.output = process.stdout
        """What it prints after its addresses."""
        self.killed = False

    @property
    def api(self) -> str:
        """URL of its HTTP API."""
        return f"http://127.0.0.1:{self.addresses.http_port}"

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def terminate(self) -> None:
        """SIGTERM: it drains and exits."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, as in a crash. Its recordings are lost."""
        self.killed = True
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def pod_process(
    agent: VoiceAgent, folder: Path, log: Path, *, listening_mode: str = "interject"
) -> AsyncIterator[PodProcess]:
    """A running pod of `agent`; it is stopped at the end, unless it was killed.

    Args:
        agent: with port 0 and without paths.
        folder: for its manifest and, after it has stopped, its recordings.
        log: for its log.
        listening_mode: a name in `registry.LISTENING_MODES`.

    Raises:
        SetupError: it did not start, or did not stop by itself.
    """
    manifest = folder / "agent.yaml"
    manifest.write_text(yaml.safe_dump(agent.model_dump(mode="json", exclude_none=True)))
    program = (sys.executable, "-m", "interject_lab.recorder.pod_process")
    async with running_pod((*program, str(manifest), listening_mode, str(folder)), log) as pod:
        yield pod


@asynccontextmanager
async def running_pod(command: Sequence[str], log: Path) -> AsyncIterator[PodProcess]:
    """A running pod of `command`, which prints its addresses first; stopped at the end.

    Args:
        command: program and arguments; see `print_addresses`.
        log: for what it writes to standard error.

    Raises:
        SetupError: it did not start, or did not stop by itself.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env={**os.environ, **ONE_THREAD},
        )
        try:
            pod = PodProcess(process, await _addresses(process, log))
            yield pod
            if not pod.killed:
                pod.terminate()
                await _stopped(process, log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def late_ticks(api: str) -> int:
    """Ticks that the pod with the HTTP API at `api` has skipped because it was late."""
    timeout = aiohttp.ClientTimeout(total=_METRICS_DEADLINE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with session.get(f"{api}/metrics") as response:
            page = await response.text()
    families = text_string_to_metric_families(page)
    counts = [family.samples for family in families if family.name == _LATE_TICKS]
    return sum(int(s.value) for samples in counts for s in samples if s.name.endswith("_total"))


async def _addresses(process: asyncio.subprocess.Process, log: Path) -> Addresses:
    assert process.stdout is not None, "its output is a pipe"
    line = b""
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            line = await process.stdout.readline()
    except TimeoutError:
        pass
    if not line:
        raise SetupError(f"a pod did not start: see {log}")
    return Addresses(**json.loads(line))


async def _stopped(process: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            code = await process.wait()
    except TimeoutError:
        raise SetupError(f"a pod did not stop within {STOP_DEADLINE_S:g} s: see {log}") from None
    if code != 0:
        raise SetupError(f"a pod exited with code {code}: see {log}")


def bank_of(listening_mode: str) -> Callable[[AgentSpec], DuplexBank]:
    """What makes the bank of `listening_mode`, a name in `LISTENING_MODES`.

    That of `interject` has the agent's settings; the others have none.
    """
    if listening_mode == "interject":
        return make_bank

    def bank(spec: AgentSpec) -> DuplexBank:
        return LISTENING_MODES[listening_mode].bank(spec.capacity.calls, spec.line.rate_hz)

    return bank


def main(manifest: str, listening_mode: str, folder: str) -> None:
    """Serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    path, recorder = Path(manifest), Recorder()
    run_loop(
        serve_agent(
            read_manifest(path),
            path,
            bank=bank_of(listening_mode),
            tap=recorder,
            on_ready=print_addresses,
        )
    )
    recorder.save(Path(folder))


def print_addresses(addresses: Addresses) -> None:
    """Tell the process that started this one where the pod listens."""
    sys.stdout.write(json.dumps(asdict(addresses)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
