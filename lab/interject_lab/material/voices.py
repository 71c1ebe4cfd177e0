"""Voices, and their recordings cut into phrases and brought to a level."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.levels import (
    BOT_PAUSE_MS,
    ONSET_MARGIN_DB,
    active_level_dbfs,
    frame_powers,
    speech_bounds,
)

Pcm = NDArray[np.int16]

MAX_PHRASES: Final = 200
"""Per voice; further phrases of its recordings are left out."""

BOT_PHRASE_S: Final = (2.0, 9.0)
CALLER_PHRASE_S: Final = (0.6, 2.5)
BACKCHANNEL_S: Final = (0.15, 0.6)
"""Shortest and longest phrase that is cut from a recording."""

_FRAME_MS: Final = 10
_MARGIN_MS: Final = 50
"""Kept around a phrase: consonants are below the level that detects it."""


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One speaker."""

    name: str
    phrases: tuple[Pcm, ...]
    """int16 [samples] each, at least one; at their original level."""
    in_the_field: bool = False
    """Recorded with a room, hiss or background, as callers are, and not in a studio."""


def cut(pcm: Pcm, rate_hz: int, phrase_s: tuple[float, float]) -> list[Pcm]:
    """The phrases in `pcm`, each from its first to its last sound."""
    shortest, longest = (round(bound_s * rate_hz) for bound_s in phrase_s)
    margin = _MARGIN_MS * rate_hz // 1000
    phrases: list[Pcm] = []
    start: int | None = None
    for begin, end in _talk(pcm, rate_hz):
        start = begin if start is None else start
        if end - start >= shortest:
            last = min(end, start + longest)
            phrases.append(pcm[max(start - margin, 0) : last + margin])
            start = None
    return phrases


def trimmed(pcm: Pcm, rate_hz: int) -> Pcm:
    """`pcm` from its first to its last sound; empty for silence."""
    first, last = speech_bounds(pcm, rate_hz)
    return pcm[first:last]


def at_level(pcm: Pcm, rate_hz: int, level_dbfs: float) -> Pcm:
    """`pcm` at an active level of `level_dbfs`, clipped to the range of int16."""
    gain = 10 ** ((level_dbfs - active_level_dbfs(pcm, rate_hz)) / 20)
    levelled: Pcm = np.clip(np.rint(pcm * gain), -32768, 32767).astype(np.int16)
    return levelled


def _talk(pcm: Pcm, rate_hz: int) -> Iterator[tuple[int, int]]:
    """The stretches of talk without a pause of more than `BOT_PAUSE_MS`, in samples."""
    frame = rate_hz * _FRAME_MS // 1000
    powers = frame_powers(pcm, frame)
    floor = 10 ** ((active_level_dbfs(pcm, rate_hz) - ONSET_MARGIN_DB) / 10)
    loud = np.flatnonzero((powers >= floor) & (powers > 0))
    if loud.size == 0:
        return
    gaps = np.flatnonzero(np.diff(loud) * _FRAME_MS > BOT_PAUSE_MS)
    for first, last in zip([0, *gaps + 1], [*gaps, loud.size - 1], strict=True):
        yield int(loud[first]) * frame, (int(loud[last]) + 1) * frame
