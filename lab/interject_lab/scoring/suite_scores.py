"""Pools the figures of a suite's calls, with 95 % intervals.

The intervals are percentile bootstraps over calls (Efron 1979): what happens within one call, such
as ten false stops on one bad line, is not independent.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.scoring.field import MISSED_AFTER_MS
from interject_lab.scoring.figures import CallFigures, CallRow, SoundOutcome

QUIETEST_DBFS: Final = -36.0
"""Callers below this are counted apart: with the line's noise they are hard to hear for people."""
_RESAMPLES: Final = 1000
_NONE_SEEN: Final = 3.0
"""Most events that are compatible with none seen, at 95 % (the rule of three)."""
_INTERVAL: Final = (0.025, 0.975)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A pooled figure; None where there is nothing to measure."""

    value: float | None
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval."""
    count: int = 0
    """Values behind a quantile; calls in which what a rate or a share counts happened."""


@dataclass(frozen=True, slots=True)
class SuiteScores:
    """One rule on one suite."""

    suite: str
    rule: str
    calls: int
    bot_speech_h: float
    bot_alone_h: float
    interruptions: int
    figures: dict[str, Figure]
    """By the names of `_RATIOS` and `_QUANTILES`."""


def missed(sound: SoundOutcome) -> bool:
    """Whether the bot spoke on over an interruption."""
    return sound.stop_ms is None or sound.stop_ms > MISSED_AFTER_MS


def interruptions(call: CallFigures) -> list[SoundOutcome]:
    """Those that must be heard."""
    return [
        sound
        for sound in call.sounds
        if sound.kind == "interruption" and sound.counts and sound.level_dbfs >= QUIETEST_DBFS
    ]


def _share(
    chosen: Callable[[CallFigures], Sequence[SoundOutcome]], hit: Callable[[SoundOutcome], bool]
) -> Callable[[CallFigures], tuple[float, float]]:
    def ratio(call: CallFigures) -> tuple[float, float]:
        sounds = chosen(call)
        return 100.0 * sum(hit(sound) for sound in sounds), float(len(sounds))

    return ratio


def _of_kind(*kinds: str) -> Callable[[CallFigures], Sequence[SoundOutcome]]:
    return lambda call: [sound for sound in call.sounds if sound.kind in kinds and sound.counts]


def _stopped(sound: SoundOutcome) -> bool:
    return sound.stop_ms is not None


_RATIOS: Final[dict[str, Callable[[CallFigures], tuple[float, float]]]] = {
    "false_per_hour": lambda call: (len(call.false_stops), call.bot_alone_s / 3600),
    "missed_percent": _share(interruptions, missed),
    "backchannels_kept_percent": _share(_of_kind("backchannel"), lambda sound: not _stopped(sound)),
    "stops_per_noise_percent": _share(_of_kind("noise", "dtmf"), _stopped),
    "second_speaker_percent": _share(_of_kind("second_speaker"), _stopped),
    "false_ducks_per_hour": lambda call: (call.false_ducks, call.bot_alone_s / 3600),
    "caller_at_start_percent": lambda call: (100.0 * call.caller_at_start, call.utterances),
    "locked_percent": lambda call: (
        (0.0, 0.0) if call.locked_share is None else (100.0 * call.locked_share, 1.0)
    ),
}

_VALUES: Final[dict[str, Callable[[CallFigures], list[float]]]] = {
    "duck_ms": lambda call: [
        sound.duck_ms
        for sound in interruptions(call)
        if not missed(sound) and sound.duck_ms is not None
    ],
    "stop_ms": lambda call: [
        sound.stop_ms
        for sound in interruptions(call)
        if not missed(sound) and sound.stop_ms is not None
    ],
    "delay_error_p95_ms": lambda call: (
        [] if call.delay_error_p95_ms is None else [call.delay_error_p95_ms]
    ),
    "relock_ms": lambda call: [np.inf if each is None else each for each in call.relock_ms],
    "erle_db": lambda call: [] if call.erle_db is None else [call.erle_db],
    "near_loss_db": lambda call: [] if call.near_loss_db is None else [call.near_loss_db],
}

_QUANTILES: Final = {
    "duck_p50_ms": ("duck_ms", 0.5),
    "duck_p95_ms": ("duck_ms", 0.95),
    "stop_p50_ms": ("stop_ms", 0.5),
    "stop_p95_ms": ("stop_ms", 0.95),
    "delay_error_p95_ms": ("delay_error_p95_ms", 0.5),
    "relock_p50_ms": ("relock_ms", 0.5),
    "relock_p95_ms": ("relock_ms", 0.95),
    "erle_db": ("erle_db", 0.5),
    "near_loss_db": ("near_loss_db", 0.5),
}


def pool(rows: Sequence[CallRow]) -> SuiteScores:
    """The scores of calls of one suite under one rule, at least one."""
    calls = [row.figures for row in rows]
    rng = np.random.default_rng(len(calls))
    drawn = rng.multinomial(len(calls), np.full(len(calls), 1 / len(calls)), _RESAMPLES)
    weights = drawn.astype(np.float64)
    figures = {
        name: _ratio(list(map(of, calls)), weights, share=name.endswith("_percent"))
        for name, of in _RATIOS.items()
    }
    if not figures["locked_percent"].count:
        figures["locked_percent"] = Figure(None)  # a rule that measures no delay
    values = {name: list(map(of, calls)) for name, of in _VALUES.items()}
    for name, (source, at) in _QUANTILES.items():
        figures[name] = _quantile(values[source], at, weights)
    return SuiteScores(
        suite=rows[0].suite,
        rule=rows[0].rule,
        calls=len(rows),
        bot_speech_h=round(sum(call.bot_speech_s for call in calls) / 3600, 3),
        bot_alone_h=round(sum(call.bot_alone_s for call in calls) / 3600, 3),
        interruptions=sum(len(interruptions(call)) for call in calls),
        figures=figures,
    )


def _ratio(parts: Sequence[tuple[float, float]], weights: Floats, *, share: bool) -> Figure:
    """A ratio of sums: a share in percent, or a rate. A single call has no interval."""
    above, below = np.array(parts, np.float64).T
    if below.sum() == 0:
        return Figure(None)
    value, count = float(above.sum() / below.sum()), int(np.count_nonzero(above))
    if len(parts) < 2:
        return Figure(value, count=count)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (weights @ above) / (weights @ below)
    low, high = map(float, np.nanquantile(found, _INTERVAL))
    # Resamples of no event have none either, and those of events alone have nothing else.
    unseen = _NONE_SEEN * (100.0 if share else 1.0) / float(below.sum())
    if value == 0:
        high = unseen
    if share:
        low = max(0.0, 100.0 - unseen) if value == 100.0 else low
        high = min(high, 100.0)
    return Figure(value, low, high, count)


def _quantile(values: Sequence[Sequence[float]], at: float, weights: Floats) -> Figure:
    call = np.repeat(np.arange(len(values)), [len(each) for each in values])
    every = np.array([value for each in values for value in each], np.float64)
    if every.size == 0:
        return Figure(None)
    order = np.argsort(every)
    every, mass = every[order], weights[:, call[order]].cumsum(axis=1)
    # A resample may have drawn no call with a value: it has no quantile.
    mass = mass[mass[:, -1] > 0]
    found = every[(mass < at * mass[:, -1:]).sum(axis=1)]
    middle = every[math.ceil(at * every.size) - 1]
    low, high = np.quantile(found, _INTERVAL, method="nearest")
    ends = [float(end) if np.isfinite(end) else None for end in (middle, low, high)]
    return Figure(ends[0], ends[1], ends[2], every.size)
