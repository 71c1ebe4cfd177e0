"""A metrics page in pieces of bounded size, by the library's own encoders.

The whole page takes 3 to 20 ms, in which no tick of the clock can begin.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from itertools import groupby
from typing import Final, Protocol

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample

PIECE_SAMPLES: Final = 12
"""Lines of a piece, beside those that describe its metric: 0.3 ms on a slow core."""

_CREATED: Final = "_created"


class Collected(Protocol):
    """Where metrics come from: a registry, or a part of one."""

    def collect(self) -> Iterable[Metric]: ...


class _One:
    """A source of one metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


class _None:
    def collect(self) -> Iterator[Metric]:
        yield from ()


def pieces(registry: Collected, accept: str) -> tuple[Iterator[bytes], str]:
    """The page's pieces in order, made one by one as they are asked for, and its content type.

    OpenMetrics for those who take it, because exemplars are in no other format; else Prometheus's
    text. Each metric has the values of the time at which its first piece is made.

    Args:
        registry: what is on the page.
        accept: the request's header.
    """
    encode, content_type = choose_encoder(accept)
    return _pieces(registry, encode), content_type


def _pieces(registry: Collected, encode: Callable[[Collected], bytes]) -> Iterator[bytes]:
    end = encode(_None())
    for metric in registry.collect():
        described: set[bytes] = set()
        for samples in _split(metric.samples, created_last=not end):
            part = copy(metric)
            part.samples = samples
            lines = encode(_One(part)).removesuffix(end).splitlines(keepends=True)
            yield b"".join(line for line in lines if line not in described)
            described.update(line for line in lines if line.startswith(b"# "))
    yield end


def _split(samples: Sequence[Sample], *, created_last: bool) -> Iterator[list[Sample]]:
    """`samples` by `PIECE_SAMPLES`; none for a metric without any.

    Args:
        created_last: as the text format has them: a metric of their own, behind the other.
    """

    def is_created(sample: Sample) -> bool:
        return created_last and sample.name.endswith(_CREATED)

    if not samples:
        yield []
    for _, group in groupby(sorted(samples, key=is_created), key=is_created):
        kept = list(group)
        for start in range(0, len(kept), PIECE_SAMPLES):
            yield kept[start : start + PIECE_SAMPLES]
