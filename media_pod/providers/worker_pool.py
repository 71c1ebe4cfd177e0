"""A pool of worker processes: each answers one request at a time, within a deadline."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from media_pod.errors import InterjectError, SetupError
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.worker_child import WorkerMessage
from media_pod.providers.worker_process import WorkerCommand, WorkerProcess

MAX_WAITING: Final = 32
"""Requests that wait, for each process. The fastest, a recognizer of digits, takes 0.2 s for one:
the last would wait for 6 s, and its caller with it."""
_SMOOTHING: Final = 0.2
"""Weight of the latest request in the mean duration."""

_logger = logging.getLogger(__name__)


class WorkerPool:
    """Processes of one command.

    A request that cannot be answered within its deadline, by what those before it took and how many
    wait, fails at once: a fallback or an apology then comes without the silence before it.

    A process that died, sent garbage or is late is replaced at once, in the background. A request
    that is cancelled gets as long to end as its process took to start; beyond that, a new process
    is ready sooner. A barge-in cancels a voice's request in most turns, and a voice takes less time
    for a clause than for its start.
    """

    def __init__(
        self,
        command: WorkerCommand,
        processes: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Processes start with `start` or with the first request.

        Args:
            command: what each process runs.
            processes: their number, at least 1.
            now: monotonic time in seconds.
        """
        self.waiting = 0
        """Requests that no process has yet."""
        self._now = now
        self._mean_s = 0.0
        """Duration of one request; 0 before the first."""
        self._command = command
        self._processes = [WorkerProcess(command) for _ in range(processes)]
        self._idle: asyncio.Queue[WorkerProcess] = asyncio.Queue()
        for process in self._processes:
            self._idle.put_nowait(process)
        self._exchanges: set[asyncio.Task[WorkerMessage]] = set()
        self._recovering: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def processes(self) -> int:
        """Their number, running or not."""
        return len(self._processes)

    @property
    def pids(self) -> list[int]:
        """Ids of the running processes."""
        return [pid for process in self._processes if (pid := process.pid) is not None]

    @property
    def has_idle(self) -> bool:
        """Whether a request would not have to wait for another one."""
        return not self._idle.empty()

    async def start(self) -> None:
        """Start all processes and load their models, to keep the first caller from waiting.

        Raises:
            SetupError, ProviderError: as `WorkerProcess.start`.
        """
        starting = [process.start() for process in self._processes]
        for result in await asyncio.gather(*starting, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def request(
        self, message: WorkerMessage, deadline_s: float, subject: str
    ) -> WorkerMessage:
        """The answer of the first idle process.

        Args:
            message: the request.
            deadline_s: maximum time, including the wait for a process, in seconds.
            subject: what is processed, for the message about a missed deadline: "1.0 s of audio".

        Raises:
            ProviderError: as `WorkerProcess.request`; or a package or a file is missing, the
                deadline passed or would pass, or the pool is closed.
        """
        self._refuse_if_late(deadline_s)
        process: WorkerProcess | None = None
        exchange: asyncio.Task[WorkerMessage] | None = None
        try:
            async with asyncio.timeout(deadline_s):
                process = await self._next_idle()
                self._check_open()
                exchange = self._begin(process, message)
                # `wait` does not cancel the exchange, which would leave half an answer in the pipe.
                began_s = self._now()
                await asyncio.wait({exchange})
                self._took(self._now() - began_s)
        except TimeoutError as error:
            if process is not None and exchange is not None:
                await _end(process, exchange, grace_s=0)
            raise ProviderError(
                f"{self._command.provider}: no answer within {deadline_s:g} s to {subject}"
                + ("" if process else f"; {len(self._processes)} process(es), all busy"),
                FailureKind.TIMEOUT,
            ) from error
        finally:
            if process is not None:
                self._give_back(process, exchange)
        self._check_open()
        try:
            return exchange.result()
        except SetupError as error:
            # In a call it is a failure like others: a fallback takes over.
            raise ProviderError(
                f"{self._command.provider}: {error}", FailureKind.NOT_FOUND
            ) from error

    async def aclose(self) -> None:
        """Kill the processes; requests fail."""
        self._closed = True
        pending: list[asyncio.Task[WorkerMessage] | asyncio.Task[None]] = []
        pending += [*self._exchanges, *self._recovering]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for process in self._processes:
            await process.stop()

    def _refuse_if_late(self, deadline_s: float) -> None:
        if self.has_idle:
            return
        processes = len(self._processes)
        wait_s = (self.waiting + 1) * self._mean_s / processes
        if self.waiting < MAX_WAITING * processes and wait_s + self._mean_s <= deadline_s:
            return
        raise ProviderError(
            f"{self._command.provider}: all {processes} process(es) are busy and {self.waiting} "
            f"request(s) wait: an answer would take about {wait_s + self._mean_s:.0f} s, expected "
            f"one within {deadline_s:g} s. Use more processes or CPU, or fewer calls per pod "
            "(capacity.calls)",
            FailureKind.RATE_LIMITED,
        )

    async def _next_idle(self) -> WorkerProcess:
        self.waiting += 1
        try:
            return await self._idle.get()
        finally:
            self.waiting -= 1

    def _took(self, seconds: float) -> None:
        weight = _SMOOTHING if self._mean_s else 1.0
        self._mean_s += weight * (seconds - self._mean_s)

    def _check_open(self) -> None:
        if self._closed:
            raise ProviderError(f"{self._command.provider}: the {self._command.role} is closed")

    def _begin(self, process: WorkerProcess, message: WorkerMessage) -> asyncio.Task[WorkerMessage]:
        exchange = asyncio.create_task(process.request(message))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._exchanges.discard)
        return exchange

    def _give_back(
        self, process: WorkerProcess, exchange: asyncio.Task[WorkerMessage] | None
    ) -> None:
        if self._closed or exchange is None or _succeeded(exchange):
            self._idle.put_nowait(process)
            return
        task = asyncio.create_task(self._recover(process, exchange))
        self._recovering.add(task)
        task.add_done_callback(self._recovering.discard)

    async def _recover(self, process: WorkerProcess, exchange: asyncio.Task[WorkerMessage]) -> None:
        try:
            await _end(process, exchange, grace_s=process.start_took_s)
            await process.start()
        except InterjectError as error:
            # The next request tries again, and reports it if it fails again.
            _logger.warning("cannot replace a process: %s", error)
        finally:
            self._idle.put_nowait(process)


def _succeeded(exchange: asyncio.Task[WorkerMessage]) -> bool:
    return exchange.done() and not exchange.cancelled() and exchange.exception() is None


async def _end(
    process: WorkerProcess, exchange: asyncio.Task[WorkerMessage], grace_s: float
) -> None:
    """Wait for the end of an exchange; after `grace_s`, kill the process instead."""
    await asyncio.wait({exchange}, timeout=grace_s)
    if not exchange.done():
        exchange.cancel()
        await process.stop()
        await asyncio.wait({exchange})
    if not exchange.cancelled():
        exchange.exception()  # marks it as seen; the request that failed has raised it
