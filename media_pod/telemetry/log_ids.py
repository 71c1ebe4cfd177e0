"""Which call a line of the log is about.

Code that knows the call logs with `logs.call_logger`. Providers do not know it: what they log in a
call's own task is about `current_call`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanContext, format_span_id, format_trace_id

from media_pod.call.work import current_call


class CallIds(logging.Filter):
    """Puts `call`, `trace_id` and `span_id` on records; lets every record through.

    Args:
        context: the `call` span of the call with that UUID, None if there is none.
    """

    def __init__(self, context: Callable[[str], SpanContext | None]) -> None:
        super().__init__()
        self._context = context

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter.filter`."""
        if uuid := getattr(record, "call", "") or current_call.get():
            record.call = uuid
            if (context := self._context(uuid)) is not None:
                record.trace_id = format_trace_id(context.trace_id)
                record.span_id = format_span_id(context.span_id)
        return True


@contextmanager
def with_call_ids(context: Callable[[str], SpanContext | None]) -> Iterator[None]:
    """Meanwhile all that is logged has the ids of its call; `context` as in `CallIds`."""
    ids, handlers = CallIds(context), tuple(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(ids)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(ids)
