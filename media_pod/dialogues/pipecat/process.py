"""The process beside the pod in which pipecat pipelines run."""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Final

from media_pod.dialogues.pipecat.link import PipecatLink
from media_pod.dialogues.pipecat.wire import READY_LINE
from media_pod.errors import SetupError
from media_pod.logs import pass_lines
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.providers.ports import FailureKind, ProviderError

START_S: Final = 60.0
"""Limit for its start: importing pipecat and its services takes seconds."""
STOP_S: Final = 5.0
KEPT_LINES: Final = 5
"""Of its log, for the message about its end."""

_WORKER: Final = "media_pod.dialogues.pipecat.worker"
_PACKAGES: Final = Path(__file__).parents[3]
_logger = logging.getLogger(__name__)


class PipecatProcess:
    """Starts the process, and again if it has ended; makes the connection of each call.

    Args:
        settings: of the manifest.
        folder: where its pipeline is looked for, and what its paths are relative to.
        rate_hz: of the line.
        deadline_s: for a pipeline to run.
    """

    def __init__(
        self, settings: PipecatSettings, folder: Path, rate_hz: int, deadline_s: float
    ) -> None:
        self.rate_hz = rate_hz
        self.deadline_s = deadline_s
        self.what = f"pipecat: pipeline {settings.pipeline!r}"
        """The beginning of messages."""
        self._pipeline = settings.pipeline
        self._folder = folder.absolute()
        python = settings.python
        self._python = sys.executable if python is None else str(self._folder / python)
        self._sockets: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._log_level = logging.DEBUG
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    async def start(self) -> None:
        """Start the process.

        Raises:
            SetupError: pipecat is not installed.
            ProviderError: it does not start; the message has the last line of its log.
        """
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()

    async def check(self) -> str:
        """Run the pipeline once, without a caller. Raises ProviderError."""
        link = await self.connect({"uuid": "", "from_number": "", "to_number": "", "variables": {}})
        await link.aclose()
        return f"{self.what} runs"

    async def connect(self, call: dict[str, object]) -> PipecatLink:
        """Run the pipeline for a call.

        Args:
            call: its facts.

        Raises:
            ProviderError: the process or the pipeline does not start.
        """
        await self.start()
        try:
            async with asyncio.timeout(self.deadline_s):
                reader, writer = await asyncio.open_unix_connection(self._socket_path)
                link = PipecatLink(reader, writer, self.rate_hz, self.what)
                try:
                    await link.open(call)
                except BaseException:
                    await link.aclose()
                    raise
        except TimeoutError as error:
            late = f"{self.what}: does not run within {self.deadline_s:g} s"
            raise ProviderError(late, FailureKind.TIMEOUT) from error
        except OSError as error:
            raise ProviderError(
                f"{self.what}: no connection to its process: {error}", FailureKind.UNREACHABLE
            ) from error
        return link

    async def aclose(self) -> None:
        """Stop the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reading is not None:
            await self._reading
            self._reading = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = None

    @property
    def _socket_path(self) -> str:
        assert self._sockets is not None, "the process has been started"
        return f"{self._sockets}/calls"

    async def _start(self) -> None:
        if self._sockets is None:
            self._sockets = tempfile.mkdtemp(prefix="interject-pipecat-")  # mode 0700
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._socket_path)
        if self._reading is not None:
            await self._reading
        paths = [str(self._folder), str(_PACKAGES), os.environ.get("PYTHONPATH", "")]
        environ = {
            "LOGURU_LEVEL": "WARNING",  # pipecat logs every frame's way at DEBUG
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        try:
            self._process = await asyncio.create_subprocess_exec(
                self._python, "-m", _WORKER, self._socket_path, self._pipeline,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, cwd=self._folder, env=environ,
            )  # fmt: skip
        except OSError as error:
            raise ProviderError(f"{self.what}: {self._python}: {error.strerror}") from error
        self._reading = asyncio.create_task(self._read_log(self._process), name="pipecat: log")
        self._log_level = logging.DEBUG  # of a start that fails, the message has what matters
        if await self._ready(self._process):
            self._log_level = logging.INFO
        else:
            await self.aclose()
            last = self._last_lines[-1] if self._last_lines else "it logged nothing"
            if "No module named 'pipecat'" in last:
                raise SetupError(
                    f"{self.what} needs the package pipecat-ai: pip install 'interject[pipecat]', "
                    "or name an interpreter that has it in spec.dialogue.python"
                )
            raise ProviderError(f"{self.what}: its process does not start: {last}")

    async def _ready(self, process: asyncio.subprocess.Process) -> bool:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                return (await process.stdout.readline()).strip() == READY_LINE
        except TimeoutError:
            self._last_lines.append(f"not ready within {START_S:g} s")
            return False

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        await pass_lines(process.stderr, self._on_line)

    def _on_line(self, text: str) -> None:
        if text:
            self._last_lines.append(text[:400])
            _logger.log(self._log_level, "%s: %s", self.what, text)
