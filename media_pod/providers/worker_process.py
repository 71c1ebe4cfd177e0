"""The parent's side of a worker process: starts it, exchanges frames with it, kills it.

A plain subprocess instead of multiprocessing, whose children import the parent's main module, and
torch with it, and cannot be killed one by one when they hang.
"""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field

from media_pod.errors import SetupError
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.worker_child import (
    HEADER,
    Fields,
    WorkerMessage,
    decode_fields,
    decode_sizes,
)

START_S = 20.0
"""Deadline for loading Python and the model: below 1 s on a free core, more while a pod starts."""
END_S = 5.0
"""Deadline for the end of a killed process, and for the rest of its standard error."""
STDERR_BYTES = 2000
"""What is kept of standard error, for the message about a process that died."""
_CHUNK_BYTES = 4096
_ENVIRONMENT = {
    # One process is one core's work; threads that wait for each other take a multiple of the CPU.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Models come from the disk; Hugging Face's libraries would otherwise look for missing files
    # on the network.
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True, slots=True)
class WorkerCommand:
    """What a worker runs."""

    provider: str
    """The provider's name, in messages."""
    role: str
    """What the process is to a user, in messages: "recognizer", "voice"."""
    module: str
    """Module that calls `worker_child.run` when it is executed."""
    settings: Fields = field(default_factory=dict)
    """Passed to the worker's `load` as JSON."""
    start_s: float = START_S
    """Deadline of its start, in seconds."""


class WorkerProcess:
    """One worker, started on demand; answers one request at a time."""

    def __init__(self, command: WorkerCommand) -> None:
        self._command = command
        self._subject = f"{command.provider}: the {command.role} process"
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._stderr = bytearray()
        self._draining: asyncio.Task[None] | None = None
        self.start_took_s = 0.0
        """Duration of the latest start, in seconds."""

    @property
    def pid(self) -> int | None:
        """Id of the running process; None without one."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process if it is not running, and wait until its model is loaded.

        Raises:
            SetupError: a package or a file is missing.
            ProviderError: it did not start in time, or its model does not load.
        """
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return
            await self.stop()
            began = time.monotonic()
            process = await self._spawn()
            ready = False
            try:
                async with asyncio.timeout(self._command.start_s):
                    answer = await self._receive(process)
                self._check_loaded(answer)
                ready = True
            except TimeoutError as error:
                raise ProviderError(
                    f"{self._subject} has not loaded after {self._command.start_s:g} s",
                    FailureKind.TIMEOUT,
                ) from error
            finally:
                if not ready:
                    await self.stop()
            self.start_took_s = time.monotonic() - began

    async def request(self, message: WorkerMessage) -> WorkerMessage:
        """Send `message` and return the answer; starts the process first if it is not running.

        A cancelled request leaves the process in the middle of an answer: call `stop`.

        Raises:
            SetupError, ProviderError: as `start`; or the process died, its answer is not of the
                protocol, or it reports an error.
        """
        await self.start()
        process = self._process
        if process is None or process.stdin is None:
            raise ProviderError(f"{self._subject} was stopped")
        try:
            process.stdin.write(message.encode())
            with suppress(BrokenPipeError, ConnectionResetError):  # its death is read below
                await process.stdin.drain()
            answer = await self._receive(process)
        except ProviderError:
            await self.stop()
            raise
        if "error" in answer.fields:
            raise ProviderError(f"{self._subject} failed: {answer.fields['error']}")
        return answer

    async def stop(self) -> None:
        """Kill the process and wait until it has ended."""
        process, self._process = self._process, None
        draining, self._draining = self._draining, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
        if draining is not None:
            await asyncio.wait({draining}, timeout=END_S)
            draining.cancel()

    async def _spawn(self) -> Process:
        command = (sys.executable, "-m", self._command.module, json.dumps(self._command.settings))
        try:
            # In its own session: Ctrl-C in a terminal is for the parent only.
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
                env={**os.environ, **_ENVIRONMENT},
            )
        except OSError as error:
            raise ProviderError(f"{self._subject} does not start: {command[0]}: {error}") from error
        self._process = process
        self._stderr.clear()
        self._draining = asyncio.create_task(self._drain(process))
        return process

    async def _drain(self, process: Process) -> None:
        """Read standard error, or the child blocks; keep its end."""
        assert process.stderr is not None
        while chunk := await process.stderr.read(_CHUNK_BYTES):
            self._stderr += chunk
            del self._stderr[:-STDERR_BYTES]

    async def _receive(self, process: Process) -> WorkerMessage:
        assert process.stdout is not None
        try:
            fields_size, payload_size = decode_sizes(await process.stdout.readexactly(HEADER.size))
            fields = decode_fields(await process.stdout.readexactly(fields_size))
            return WorkerMessage(fields, await process.stdout.readexactly(payload_size))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            raise await self._died(process) from None
        except ValueError as error:
            raise ProviderError(
                f"{self._subject} sent no valid answer: {error}", FailureKind.BAD_ANSWER
            ) from error

    def _check_loaded(self, answer: WorkerMessage) -> None:
        if "error" not in answer.fields:
            return
        if answer.fields.get("setup"):
            raise SetupError(str(answer.fields["error"]))
        raise ProviderError(f"{self._subject} does not load: {answer.fields['error']}")

    async def _died(self, process: Process) -> ProviderError:
        """What to say about a process whose pipes are closed; it is gone afterwards."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
        if self._draining is not None:
            await asyncio.wait({self._draining}, timeout=END_S)
        said = " ".join(self._stderr.decode(errors="replace").split())[-300:]
        return ProviderError(
            f"{self._subject} died ({_ending(process.returncode)})"
            + (f"; its last output: {said}" if said else "")
        )


def _ending(returncode: int | None) -> str:
    if returncode is None:
        return "its output is closed, but it has not ended"
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
