"""Ids of spans that are chosen beforehand, for the SDK, which would make them at random."""

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator


class ChosenIds(RandomIdGenerator):
    """Random ids, but for the next span's if they are chosen. For one thread."""

    def __init__(self) -> None:
        self._trace_id: int | None = None
        self._span_id: int | None = None

    def choose(self, trace_id: int, span_id: int | None) -> None:
        """The next span is this one: of that trace if it has no parent, and `span_id` if given."""
        self._trace_id, self._span_id = trace_id, span_id

    def generate_span_id(self) -> int:
        """Asked once per span, after its trace."""
        chosen, self._span_id, self._trace_id = self._span_id, None, None
        return super().generate_span_id() if chosen is None else chosen

    def generate_trace_id(self) -> int:
        """Asked for a span without a parent."""
        return super().generate_trace_id() if self._trace_id is None else self._trace_id

    def is_trace_id_random(self) -> bool:
        """Version 4 UUIDs are, but for six bits; those of other versions are not."""
        return False
