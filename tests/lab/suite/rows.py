"""Made-up results of a bench."""

from typing import Any

import numpy as np

from interject_lab.call_record import BankTrace, CallRecord
from interject_lab.scoring.figures import CallFigures, CallRow, FalseStop, SoundOutcome
from interject_lab.virtual import VirtualResult

TICKS = 3000


def interruption(at_s: float, stop_ms: float | None, **changes: Any) -> SoundOutcome:
    fields: dict[str, Any] = {
        "kind": "interruption",
        "what": "anna",
        "at_s": at_s,
        "seconds": 1.5,
        "level_dbfs": -25.0,
        "in_the_field": False,
        "counts": True,
        "duck_ms": None if stop_ms is None else stop_ms / 2,
        "stop_ms": stop_ms,
    }
    return SoundOutcome(**(fields | changes))


def false_stop(at_s: float, **changes: Any) -> FalseStop:
    fields: dict[str, Any] = {
        "at_s": at_s,
        "bot_spoke_s": 1.2,
        "reason": "speech_over_echo",
        "delay_ms": 120.0,
        "locked": True,
    }
    return FalseStop(**(fields | changes))


def call_row(
    number: int,
    *sounds: SoundOutcome,
    rule: str = "interject",
    suite: str = "default",
    false_stops: tuple[FalseStop, ...] = (),
    **conditions: object,
) -> CallRow:
    """A call of a minute, in which the bot spoke alone for 36 s."""
    figures = CallFigures(
        bot_speech_s=45.0,
        bot_alone_s=36.0,
        utterances=8,
        caller_at_start=0,
        false_stops=false_stops,
        false_ducks=2,
        sounds=sounds,
        locked_share=0.913,
        delay_error_p95_ms=4.2,
        relock_ms=(430.0,),
        erle_db=27.4,
        near_loss_db=0.8,
    )
    drawn = {"erl_db": 15.0, "delay_ms": 150, "path": "room", "steps": [], "low_rate": None}
    return CallRow(suite, rule, "test", 1, number, "", drawn | conditions, figures)


def run_again(row: CallRow) -> VirtualResult:
    """A minute of noise, whatever the row."""
    rng = np.random.default_rng(row.call)
    pcm = rng.integers(-2000, 2000, TICKS * 160).astype(np.int16)
    rows = np.zeros(TICKS, np.float32)
    trace = BankTrace(
        caller=pcm,
        played=pcm,
        cleaned=pcm,
        speech=rows,
        decision=rows.astype(np.int8),
        reason=rows.astype(np.int8),
        delay_ms=rows + 120,
        delay_confidence=rows + 1,
        erle_db=rows,
        true_delay_ms=rows + 120,
    )
    times_ns = np.arange(TICKS, dtype=np.int64)
    record = CallRecord(8000, pcm, pcm, times_ns, times_ns, times_ns, rows, (), "")
    return VirtualResult(record, trace, (), pcm)
