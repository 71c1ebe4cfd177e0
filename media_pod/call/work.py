"""The one task of a call at a time: recognition, dialogue and speech of one turn of the bot.

    start     the work runs as a task, within its own deadlines
    cancel    the work is cancelled; it may take until the deadline to end
    start     the next work begins when the cancelled work has ended

An exception of the work ends here and is reported to `on_done`. Cancelled work is only logged,
because the turn that it belonged to is over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Final

from media_pod.logs import call_logger
from media_pod.providers.chain import traceback_of
from media_pod.providers.ports import ProviderError

_logger = logging.getLogger(__name__)

current_call: Final[ContextVar[str]] = ContextVar("current_call", default="")
"""UUID of the call that the running task works for; logs have it."""


class Work:
    """The work of one call.

    Args:
        uuid: the call's, for the log.
        deadline_s: how long cancelled work may take to end.
        on_done: called when work ends without being cancelled, with whether it failed.
    """

    def __init__(self, uuid: str, deadline_s: float, on_done: Callable[[bool], None]) -> None:
        self._uuid = uuid
        self._log = call_logger(_logger, uuid)
        self._deadline_s = deadline_s
        self._on_done = on_done
        self._task: asyncio.Task[None] | None = None
        self._cancelled: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> bool:
        """Work was started and is neither done nor cancelled."""
        return self._task is not None

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Begin `work`; nothing may be running."""
        assert self._task is None, "what runs is cancelled first"
        self._task = asyncio.create_task(
            self._supervise(work, tuple(self._cancelled)), name=f"turn of call {self._uuid}"
        )

    def cancel(self) -> None:
        """Cancel what runs, if anything does."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._cancelled.add(task)
            task.add_done_callback(self._cancelled.discard)

    async def aclose(self) -> None:
        """Cancel what runs, and wait for its end until the deadline."""
        self.cancel()
        if self._cancelled:
            _, left = await asyncio.wait(self._cancelled, timeout=self._deadline_s)
            for task in left:
                self._log.error(
                    "the %s does not end: a provider ignores its cancellation", task.get_name()
                )

    async def _supervise(
        self, work: Callable[[], Awaitable[None]], before: Iterable[asyncio.Task[None]]
    ) -> None:
        failed = True
        current_call.set(self._uuid)  # this task's alone
        try:
            await self._ended(before)
            await work()
            failed = False
        except ProviderError as error:
            self._log.warning("%s", error, exc_info=traceback_of(error))
        except Exception:  # the edge at which a provider's bug stops; it costs one turn
            self._log.exception("a provider failed")
        if self._task is asyncio.current_task():
            self._task = None
            self._on_done(failed)

    async def _ended(self, before: Iterable[asyncio.Task[None]]) -> None:
        """Wait for cancelled work: a dialogue has one iterator open at a time."""
        if running := [task for task in before if not task.done()]:
            _, left = await asyncio.wait(running, timeout=self._deadline_s)
            if left:
                raise ProviderError(f"cancelled work did not end within {self._deadline_s:g} s")
