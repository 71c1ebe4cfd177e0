"""The calls in which a rule failed most, cut to the time around the failures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from interject_lab.call_record import MEANT_FOR_THE_BOT, BankTrace
from interject_lab.reports.call_report import StopMark, Talk, Timeline
from interject_lab.reports.timeline import REASONS
from interject_lab.scoring.figures import CallFigures, CallRow, FalseStop, SoundOutcome, Why
from interject_lab.scoring.suite_scores import interruptions, missed
from interject_lab.virtual import VirtualResult
from media_pod.duplex.contract import TICK_MS

Again = Callable[[CallRow], VirtualResult]
"""Runs the call of a row again, for its audio and its trace."""

_AUDIO_BYTES: Final = 240_000
"""Of an excerpt: 15 s of both directions at 8 kHz in G.711, 320 kB as text in the page."""
_BEFORE_S: Final = 3.0
"""How much is heard before the first failure of an excerpt."""
_ABSENT: Final[tuple[object, ...]] = (None, False, [])
_UNITS: Final = {"db": "dB", "dbfs": "dBFS", "ms": "ms", "ppm": "ppm"}
"""By the last part of a condition's key."""
_NAMES: Final = {"erl": "ERL", "bot": "bot's level", "caller": "caller's level"}
_REASONS: Final = {reason.name.lower(): words for reason, (words, _) in REASONS.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in an excerpt."""

    at_s: float
    """Since the start of the excerpt."""
    text: str
    verdict: Literal["good", "bad", "neutral"]


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """Part of a call."""

    row: CallRow
    start_s: float
    """In the call."""
    timeline: Timeline
    events: tuple[Event, ...]

    @property
    def false_stops(self) -> int:
        """In the whole call."""
        return len(self.row.figures.false_stops)

    @property
    def missed(self) -> int:
        """Interruptions in the whole call."""
        return sum(map(missed, interruptions(self.row.figures)))

    @property
    def conditions(self) -> list[str]:
        """What was drawn for the call; what it does not have is left out."""
        drawn = self.row.conditions.items()
        return [_condition(key, value) for key, value in drawn if value not in _ABSENT]


def worst_calls(rows: Sequence[CallRow], count: int, again: Again) -> list[Excerpt]:
    """At most `count` excerpts of the calls with most failures; fewer if fewer failed."""
    failed = [row for row in rows if _failures_s(row.figures)]
    failed.sort(key=lambda row: -len(_failures_s(row.figures)))
    return [_excerpt(row, again(row)) for row in failed[:count]]


def _condition(key: str, value: object) -> str:
    name, _, unit = key.rpartition("_")
    if unit in _UNITS:
        return f"{_NAMES.get(name, name)} {value} {_UNITS[unit]}"
    name = key.replace("_", " ")
    if isinstance(value, list):
        return f"{name} " + ", ".join(f"at {at_s} s to {to_ms} ms" for at_s, to_ms in value)
    return name if value is True else f"{name} {value}"


def _failures_s(figures: CallFigures) -> list[float]:
    """When the call's failures were."""
    late = [sound.at_s for sound in interruptions(figures) if missed(sound)]
    return sorted([*late, *(stop.at_s for stop in figures.false_stops)])


def _excerpt(row: CallRow, result: VirtualResult) -> Excerpt:
    rate_hz = result.record.rate_hz
    ticks = result.trace.decision.size
    length = min(round(_AUDIO_BYTES / 2 / rate_hz * 1000 / TICK_MS), ticks)
    first = min(_first_tick(_failures_s(row.figures), length), ticks - length)
    start_s, end_s = first * TICK_MS / 1000, (first + length) * TICK_MS / 1000
    talks = [
        Talk(sound.what, sound.at_s - start_s, sound.at_s + sound.seconds - start_s, sound.kind)
        for sound in row.figures.sounds
    ]
    last_s = end_s - start_s
    timeline = Timeline(
        rate_hz=rate_hz,
        trace=_cut(result.trace, first, first + length, result.record.tick_samples),
        talks=tuple(
            replace(talk, start_s=max(talk.start_s, 0), end_s=min(talk.end_s, last_s))
            for talk in talks
            if talk.start_s < last_s and talk.end_s > 0
        ),
        stops=tuple(
            replace(stop, at_s=stop.at_s - start_s)
            for stop in _stops(row.figures)
            if start_s <= stop.at_s < end_s
        ),
    )
    events = tuple(
        replace(event, at_s=event.at_s - start_s)
        for event in _events(row.figures)
        if start_s <= event.at_s < end_s
    )
    return Excerpt(row, start_s, timeline, events)


def _first_tick(failures_s: Sequence[float], length: int) -> int:
    """Where an excerpt of `length` ticks begins that holds most failures; the earliest such."""
    reach_s = length * TICK_MS / 1000 - _BEFORE_S
    hits = [sum(at_s <= other_s < at_s + reach_s for other_s in failures_s) for at_s in failures_s]
    start_s = max(failures_s[hits.index(max(hits))] - _BEFORE_S, 0.0)
    return round(start_s * 1000 / TICK_MS)


def _cut(trace: BankTrace, first: int, end: int, tick_samples: int) -> BankTrace:
    samples, ticks = slice(first * tick_samples, end * tick_samples), slice(first, end)
    return BankTrace(
        caller=trace.caller[samples],
        played=trace.played[samples],
        cleaned=trace.cleaned[samples],
        speech=trace.speech[ticks],
        decision=trace.decision[ticks],
        reason=trace.reason[ticks],
        delay_ms=trace.delay_ms[ticks],
        delay_confidence=trace.delay_confidence[ticks],
        erle_db=trace.erle_db[ticks],
        true_delay_ms=trace.true_delay_ms[ticks],
    )


def _stops(figures: CallFigures) -> list[StopMark]:
    marks = [StopMark(stop.at_s, true=False, label="false stop") for stop in figures.false_stops]
    for sound in figures.sounds:
        if sound.stop_ms is not None:
            meant = sound.kind in MEANT_FOR_THE_BOT
            label = "" if meant else f"stop for {_name(sound)}"
            marks.append(StopMark(sound.at_s + sound.stop_ms / 1000, meant, label))
    return sorted(marks, key=lambda mark: mark.at_s)


def _events(figures: CallFigures) -> list[Event]:
    events = [Event(stop.at_s, _false_text(stop), "bad") for stop in figures.false_stops]
    events += [_sound_event(sound) for sound in figures.sounds]
    return sorted(events, key=lambda event: event.at_s)


def _false_text(stop: FalseStop) -> str:
    delay = "delay unknown"
    if stop.delay_ms is not None:
        delay = f"delay {stop.delay_ms:.0f} ms, {'locked' if stop.locked else 'not locked'}"
    return (
        f"False stop {stop.bot_spoke_s:.1f} s into the utterance: "
        f"{_REASONS.get(stop.reason, stop.reason)}; {delay}{_why_text(stop.why)}"
    )


def _sound_event(sound: SoundOutcome) -> Event:
    what = f" ({sound.what})" if sound.what and sound.kind != "noise" else ""
    named = f"{_name(sound).capitalize()}{what} at {sound.level_dbfs:.0f} dBFS"
    stop = "no stop" if sound.stop_ms is None else f"stop after {sound.stop_ms:.0f} ms"
    doubt = "" if sound.duck_ms is None else f", doubt after {sound.duck_ms:.0f} ms"
    text = f"{named}: {stop}{doubt}{_why_text(sound.why)}"
    if not sound.counts:
        return Event(sound.at_s, f"{text} (does not count)", "neutral")
    if sound.kind in MEANT_FOR_THE_BOT:
        failed = missed(sound)
        return Event(sound.at_s, f"{text} (missed)" if failed else text, _verdict(failed))
    return Event(sound.at_s, text, _verdict(sound.stop_ms is not None))


def _verdict(failed: bool) -> Literal["good", "bad"]:
    return "bad" if failed else "good"


def _name(sound: SoundOutcome) -> str:
    if sound.kind == "noise":
        return f"noise: {sound.what}"
    return {"dtmf": "DTMF digit"}.get(sound.kind, sound.kind.replace("_", " "))


def _why_text(why: Why) -> str:
    return "; carried by " + ", ".join(f"{name} {part:+.1f}" for name, part in why) if why else ""
