"""How a process of this project logs: text for people, or JSON for those who collect it.

A line of JSON has `time` (RFC 3339, UTC), `level`, `logger`, `message`, and as far as they are
known `call` (its UUID), `trace_id`, `span_id` and `exception` (a traceback). The ids are attributes
of the record, which filters of the handler put there.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from media_pod.errors import SetupError

VARIABLE: Final = "INTERJECT_LOG_FORMAT"
FORMATS: Final = ("text", "json")
IDS: Final = ("call", "trace_id", "span_id")

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_format(environ: Mapping[str, str]) -> str:
    """The one of `FORMATS` that the environment asks for; text if it says nothing.

    Raises:
        SetupError: it asks for anything else.
    """
    found = environ.get(VARIABLE, "") or "text"
    if found not in FORMATS:
        raise SetupError(f"{VARIABLE}: found {found!r}; give {' or '.join(FORMATS)}")
    return found


def set_up(level: int, environ: Mapping[str, str], *filters: logging.Filter) -> None:
    """Log to standard error from now on, unless somebody has set up logging before.

    Raises:
        SetupError: as `log_format`.
    """
    handler = logging.StreamHandler()
    in_json = log_format(environ) == "json"
    handler.setFormatter(JsonFormatter() if in_json else logging.Formatter(_TEXT))
    for each in filters:
        handler.addFilter(each)
    logging.basicConfig(level=level, handlers=[handler])


class JsonFormatter(logging.Formatter):
    """One line of JSON per record, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        when = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in IDS if (value := getattr(record, name, ""))}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
