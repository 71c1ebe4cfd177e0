"""Requests that are no HTTP: counted, and one line of the log now and then.

The library logs each with a traceback, and junk comes by the thousand.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError

LINE_EVERY_S: Final = 10.0
"""At most one line in this time."""
_SHOWN: Final = 100
"""Characters of the library's reason that a line repeats."""

_logger = logging.getLogger(__name__)


class RequestLog(logging.Logger):
    """The logger of an HTTP server; what is not about a malformed request goes on to the log.

    Args:
        on_malformed: called for each malformed request.
        now: monotonic time in seconds.
    """

    def __init__(
        self, on_malformed: Callable[[], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        # The library reports some of them at DEBUG.
        super().__init__(_logger.name, logging.DEBUG)
        self._on_malformed = on_malformed
        self._now = now
        self._unreported = 0
        self._line_due_s = now()

    def handle(self, record: logging.LogRecord) -> None:
        """See `logging.Logger.handle`."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            self._count(error, record.args)
        elif _logger.isEnabledFor(record.levelno):
            _logger.handle(record)

    def _count(self, error: HttpProcessingError, about: object) -> None:
        self._on_malformed()
        self._unreported += 1
        if self._now() < self._line_due_s:
            return
        reason = " ".join(str(error.message).split())[:_SHOWN]
        peer = about[0] if isinstance(about, tuple) and about else "an unknown peer"
        _logger.warning(
            "refused %d malformed HTTP requests, the latest from %s: %s",
            self._unreported,
            peer,
            reason,
        )
        self._unreported, self._line_due_s = 0, self._now() + LINE_EVERY_S
