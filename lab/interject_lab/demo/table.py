"""The demonstration's outcome as a table, and as JSON."""

from collections.abc import Sequence
from typing import Any, Final

from interject_lab.demo.run import Outcome
from interject_lab.scoring.score import CallScore
from media_pod.call.transcript import TranscriptEntry

JSON_KEYS: Final = (
    "name",
    "false_barge_ins",
    "interruptions",
    "heard",
    "missed",
    "onset_to_silence_p50_ms",
    "onset_to_silence_max_ms",
    "delay_error_p95_ms",
    "erle_db",
)
_MOST_STOPS: Final = 4
_HEADER: Final = (
    "call",
    "false barge-ins",
    "interruptions",
    "heard",
    "missed",
    "onset to silence p50 / max",
    "delay error p95",
    "ERLE",
    "words heard when it stopped",
)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The stable form; keys have their units."""
    rows = [score.as_dict() for score in outcome.scores]
    return {
        "calls": [{key: row[key] for key in JSON_KEYS} for row in rows],
        "report": str(outcome.report),
    }


def as_text(outcome: Outcome) -> str:
    """The table for people."""
    rows: list[tuple[str, ...]] = [_HEADER]
    rows += [_row(*pair) for pair in zip(outcome.scores, outcome.stops, strict=True)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _row(score: CallScore, stops: Sequence[TranscriptEntry]) -> tuple[str, ...]:
    return (
        score.name,
        str(score.false_barge_ins),
        str(score.interruptions),
        str(score.heard),
        str(score.missed),
        f"{_number(score.onset_to_silence_p50_ms)} / {_number(score.onset_to_silence_max_ms)} ms",
        f"{_number(score.delay_error_p95_ms, 1)} ms",
        f"{_number(score.erle_db, 1)} dB",
        _words(stops),
    )


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _words(stops: Sequence[TranscriptEntry]) -> str:
    """Of each cut turn, how many of its words had been played."""
    counts = []
    for stop in stops[:_MOST_STOPS]:
        heard, unheard = len(stop.heard.split()), len(stop.unheard.split())
        counts.append(f"{heard} of {heard + unheard}")
    more = f", and {len(stops) - _MOST_STOPS} more" if len(stops) > _MOST_STOPS else ""
    return (", ".join(counts) or "-") + more
