"""What a rule misses and stops for, by the conditions of the call and of the sound."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from interject_lab.call_record import SoundKind
from interject_lab.scoring.figures import CallRow, SoundOutcome
from interject_lab.scoring.suite_scores import interruptions, missed

Counted = Iterable[tuple[str, float, float]]
"""Group, what is counted, and in how much."""

_LEVEL_DBFS: Final = (-36.0, -30.0, -26.0, -22.0)
_NOISE_DBFS: Final = (-68.0, -60.0, -52.0)
_ERL_DB: Final = (12.0, 20.0, 30.0, 40.0)
_BACKCHANNEL_S: Final = (0.3, 0.4, 0.5)
_SINCE_START_S: Final = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One rule in one group."""

    rule: str
    part: float
    whole: float
    """Of the same group: interruptions, noises, or hours of the bot alone."""


@dataclass(frozen=True, slots=True)
class Group:
    """One value of the condition."""

    label: str
    bars: tuple[Bar, ...]
    """One for each rule, in their order."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One condition."""

    title: str
    percent: bool
    """Shares in percent; otherwise rates per hour."""
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class _Dimension:
    title: str
    percent: bool
    count: Callable[[CallRow], Counted]
    order: tuple[str, ...] = ()
    """Of the groups; others follow by the alphabet."""


def breakdowns(rows: Sequence[CallRow], rules: Sequence[str]) -> list[Breakdown]:
    """All of them; groups and breakdowns with nothing to count are left out."""
    found = [_breakdown(dimension, rows, rules) for dimension in _DIMENSIONS]
    return [each for each in found if each.groups]


def _breakdown(dimension: _Dimension, rows: Sequence[CallRow], rules: Sequence[str]) -> Breakdown:
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        for label, part, whole in dimension.count(row):
            pair = sums[label, row.rule]
            pair[0] += part
            pair[1] += whole
    labels = {label for (label, _), (_, whole) in sums.items() if whole > 0}
    known = [label for label in dimension.order if label in labels]
    groups = tuple(
        Group(label, tuple(Bar(rule, *sums[label, rule]) for rule in rules))
        for label in (*known, *sorted(labels.difference(known)))
    )
    return Breakdown(dimension.title, dimension.percent, groups)


def _bins(edges: Sequence[float], unit: str) -> tuple[str, ...]:
    between = [f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges)]
    return (f"below {edges[0]:g} {unit}", *between, f"{edges[-1]:g} {unit} and more")


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    return _bins(edges, unit)[int(np.digitize(value, edges))]


def _missed_by_sound(of: Callable[[SoundOutcome], str]) -> Callable[[CallRow], Counted]:
    def count(row: CallRow) -> Counted:
        # The quietest callers too, which the scores leave out.
        for sound in row.figures.sounds:
            if sound.kind == "interruption" and sound.counts:
                yield of(sound), float(missed(sound)), 1.0

    return count


def _missed_by_line(key: str, name: Callable[[Any], str]) -> Callable[[CallRow], Counted]:
    def count(row: CallRow) -> Counted:
        if key in row.conditions:
            found = interruptions(row.figures)
            yield name(row.conditions[key]), float(sum(map(missed, found))), float(len(found))

    return count


def _false_by_line(key: str, name: Callable[[Any], str]) -> Callable[[CallRow], Counted]:
    def count(row: CallRow) -> Counted:
        if key in row.conditions:
            hours = row.figures.bot_alone_s / 3600
            yield name(row.conditions[key]), float(len(row.figures.false_stops)), hours

    return count


def _false_since_start(row: CallRow) -> Counted:
    """Parts of the whole rate: each group is divided by all the time of the bot alone."""
    labels = [_bin(stop.bot_spoke_s, _SINCE_START_S, "s") for stop in row.figures.false_stops]
    for label in _bins(_SINCE_START_S, "s"):
        yield label, float(labels.count(label)), row.figures.bot_alone_s / 3600


def _stops_for(
    kinds: Sequence[SoundKind], of: Callable[[SoundOutcome], str]
) -> Callable[[CallRow], Counted]:
    def count(row: CallRow) -> Counted:
        for sound in row.figures.sounds:
            if sound.kind in kinds and sound.counts:
                yield of(sound), float(sound.stop_ms is not None), 1.0

    return count


def _recorded(in_the_field: bool) -> str:
    return "in the field" if in_the_field else "clean"


def _codec(low_rate: str | None) -> str:
    return "G.711 alone" if low_rate is None else low_rate


def _yes(value: object) -> str:
    return "yes" if value else "no"


_DIMENSIONS: Final = (
    _Dimension(
        "Missed interruptions by the caller's level",
        True,
        _missed_by_sound(lambda sound: _bin(sound.level_dbfs, _LEVEL_DBFS, "dBFS")),
        _bins(_LEVEL_DBFS, "dBFS"),
    ),
    _Dimension(
        "Missed interruptions by echo return loss",
        True,
        _missed_by_line("erl_db", lambda erl_db: _bin(erl_db, _ERL_DB, "dB")),
        _bins(_ERL_DB, "dB"),
    ),
    _Dimension(
        "Missed interruptions by the caller's recording",
        True,
        _missed_by_sound(lambda sound: _recorded(sound.in_the_field)),
        ("clean", "in the field"),
    ),
    _Dimension(
        "Missed interruptions by the level of the background",
        True,
        _missed_by_line("noise_dbfs", lambda dbfs: _bin(dbfs, _NOISE_DBFS, "dBFS")),
        _bins(_NOISE_DBFS, "dBFS"),
    ),
    _Dimension(
        "Missed interruptions by low-rate codec",
        True,
        _missed_by_line("low_rate", _codec),
        ("G.711 alone",),
    ),
    _Dimension(
        "Stops for noises, by their kind",
        True,
        _stops_for(
            ("noise", "dtmf"), lambda sound: sound.what if sound.kind == "noise" else "DTMF digit"
        ),
    ),
    _Dimension(
        "Stops for backchannels, by their length",
        True,
        _stops_for(("backchannel",), lambda sound: _bin(sound.seconds, _BACKCHANNEL_S, "s")),
        _bins(_BACKCHANNEL_S, "s"),
    ),
    _Dimension(
        "False stops by time since the utterance began",
        False,
        _false_since_start,
        _bins(_SINCE_START_S, "s"),
    ),
    _Dimension("False stops by echo path", False, _false_by_line("path", str)),
    _Dimension("False stops by overdriven loudspeaker", False, _false_by_line("overdrive", _yes)),
    _Dimension(
        "False stops by steps of the delay in the call", False, _false_by_line("steps", _yes)
    ),
)
