"""A real Asterisk on loopback, from an unpacked tree, with a configuration of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from asterisk_config.places import Places

START_S: Final = 20.0
STOP_S: Final = 10.0
EXIT_S: Final = 40.0
CLI_S: Final = 10.0
_POLL_S: Final = 0.1


class AsteriskServer:
    """A running Asterisk.

    Args:
        places: its program and folders.
        process: its own.
    """

    def __init__(self, places: Places, process: asyncio.subprocess.Process) -> None:
        self._places = places
        self._process = process

    @property
    def log(self) -> str:
        """All that it has said so far."""
        return (self._places.log / "said").read_text(errors="replace")

    @property
    def complaints(self) -> list[str]:
        """Its warnings and errors."""
        return re.findall(r"^.*(?:WARNING|ERROR)\[.*$", self.log, re.MULTILINE)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def cli(self, command: str) -> str:
        """What the console answers."""
        console = await asyncio.create_subprocess_exec(
            *self._places.command("-rx", command),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(CLI_S):
                answer, _ = await console.communicate()
        finally:
            if console.returncode is None:
                console.kill()
                await console.wait()
        return answer.decode(errors="replace")

    async def channels(self) -> int:
        """Channels that are there now."""
        answer = await self.cli("core show channels count")
        found = re.search(r"(\d+) active channel", answer)
        assert found, answer
        return int(found[1])

    async def until_idle(self) -> None:
        """Until no channel is left."""
        async with asyncio.timeout(CLI_S):
            while await self.channels():
                await asyncio.sleep(_POLL_S)

    async def until_exit(self) -> int:
        """Until the process ends; its exit code."""
        async with asyncio.timeout(EXIT_S):
            return await self._process.wait()

    async def until_booted(self) -> None:
        """Until all modules are loaded; fails with the log if it ends before."""
        async with asyncio.timeout(START_S):
            while "fully booted" not in await self.cli("core waitfullybooted"):
                assert self._process.returncode is None, f"Asterisk did not start:\n{self.log}"
                await asyncio.sleep(_POLL_S)


@asynccontextmanager
async def asterisk_server(
    places: Places, files: Mapping[str, str]
) -> AsyncIterator[AsteriskServer]:
    """Start Asterisk with `files` as its configuration, give it, and stop it afterwards."""
    for folder in places.written:
        folder.mkdir()
    for name, text in files.items():
        (places.etc / name).write_text(text)
    async with _running(places, places.command("-f", "-n"), {}) as server:
        yield server


@asynccontextmanager
async def supervised_server(
    places: Places, tree: Path, values: Path
) -> AsyncIterator[AsteriskServer]:
    """As in the image: process 1 of it with the values file `values`."""
    where = ("--tree", str(tree), "--work", str(places.etc.parent))
    command = (sys.executable, "-m", "asterisk_config", "run", *where)
    places.log.mkdir()
    environment = {"INTERJECT_VALUES": str(values), "PYTHONPATH": os.pathsep.join(sys.path)}
    async with _running(places, command, environment) as server:
        yield server


@asynccontextmanager
async def _running(
    places: Places, command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[AsteriskServer]:
    with (places.log / "said").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            env={**_environment(), **environment},
        )  # fmt: skip
    server = AsteriskServer(places, process)
    try:
        await server.until_booted()
        yield server
    finally:
        await _stop(process)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TZ")}


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
