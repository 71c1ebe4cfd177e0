"""Logging of a process: text for people, or JSON lines for log collectors.

A JSON line has `time` (RFC 3339, UTC, ms), `level`, `logger` and `message`, and, where they apply,
`call` (its UUID), `trace_id`, `span_id` and `exception` (a traceback). The ids are attributes of
the record, from `extra`, a LoggerAdapter or a filter of the handler.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pythonjsonlogger import json

from media_pod.errors import SetupError

VARIABLE: Final = "INTERJECT_LOG_FORMAT"
FORMATS: Final = ("text", "json")
IDS: Final = ("call", "trace_id", "span_id")

_MAX_LINE: Final = 500
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

CallLogger = logging.LoggerAdapter[logging.Logger]
_RENAMED: Final = {
    "asctime": "time",
    "levelname": "level",
    "name": "logger",
    "exc_info": "exception",
}


def call_logger(logger: logging.Logger, uuid: str) -> CallLogger:
    """`logger` for messages about one call: their records have its UUID as `call`."""
    return CallLogger(logger, {"call": uuid})


def log_format(environ: Mapping[str, str]) -> str:
    """The format, one of `FORMATS`, that the environment selects; text by default.

    Raises:
        SetupError: the variable has another value.
    """
    found = environ.get(VARIABLE, "") or "text"
    if found not in FORMATS:
        raise SetupError(f"{VARIABLE}: found {found!r}; expected {' or '.join(FORMATS)}")
    return found


def set_up(level: int, environ: Mapping[str, str], *filters: logging.Filter) -> None:
    """Log to standard error; no effect if the root logger already has handlers.

    Raises:
        SetupError: as `log_format`.
    """
    handler = logging.StreamHandler()
    in_json = log_format(environ) == "json"
    handler.setFormatter(JsonFormatter() if in_json else TextFormatter(_TEXT))
    for each in filters:
        handler.addFilter(each)
    logging.basicConfig(level=level, handlers=[handler])


class TextFormatter(logging.Formatter):
    """Text for people; a message about a call begins with the call's UUID."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.formatMessage`."""
        if call := getattr(record, "call", ""):
            record.message = f"call {call}: {record.message}"
        return super().formatMessage(record)


class JsonFormatter(json.JsonFormatter):
    """One line of JSON per record, in ASCII, with the fields of this module alone.

    Other attributes of a record are omitted: libraries, such as kopf, attach objects to theirs.
    """

    def __init__(self) -> None:
        super().__init__(("asctime", "levelname", "name", "message"), rename_fields=_RENAMED)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """See `logging.Formatter.formatTime`."""
        when = datetime.fromtimestamp(record.created, UTC)
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Drop other attributes, and empty ids."""
        always = {name: log_data[name] for name in ("time", "level", "logger", "message")}
        sometimes = (*IDS, "exception")
        return always | {name: value for name in sometimes if (value := log_data.get(name))}


async def pass_lines(reader: asyncio.StreamReader, on_line: Callable[[str], None]) -> None:
    """Call `on_line` with each line of another process's output, cut at 500 characters, until it
    ends. The output is read whatever its lines are like: else the process blocks."""
    rest = b""
    while chunk := await reader.read(4096):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _MAX_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            on_line(line.decode(errors="replace").rstrip()[:_MAX_LINE])
    if rest:
        on_line(rest.decode(errors="replace").rstrip()[:_MAX_LINE])
