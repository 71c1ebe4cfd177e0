"""The figures of one call of a suite, as they are written to a line of JSON and read back."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from interject_lab.call_record import SoundKind


def rounded(value: float | None, digits: int) -> float | None:
    """`value` as it is written; None stays None."""
    return None if value is None else round(value, digits)


Why = tuple[tuple[str, float], ...]
"""Groups of features and their part in a decision, the largest first."""


@dataclass(frozen=True, slots=True)
class SoundOutcome:
    """What came of one sound at the caller's end."""

    kind: SoundKind
    what: str
    at_s: float
    """Onset, in the audio that the pod receives."""
    seconds: float
    level_dbfs: float
    in_the_field: bool
    counts: bool
    """The bot spoke at the onset, and had more to say until the sound should have stopped it."""
    duck_ms: float | None
    """From the onset to the first decision of doubt or more; None if there was none."""
    stop_ms: float | None
    """From the onset to the stop; None if the bot spoke on."""
    why: Why = ()


@dataclass(frozen=True, slots=True)
class FalseStop:
    """A stop while nobody but the bot was to be heard."""

    at_s: float
    bot_spoke_s: float
    """Since the start of the utterance."""
    reason: str
    delay_ms: float | None
    locked: bool
    why: Why = ()


@dataclass(frozen=True, slots=True)
class CallFigures:
    """One call."""

    bot_speech_s: float
    """With pauses of up to 300 ms."""
    bot_alone_s: float
    """The part of it in which nothing else sounded."""
    utterances: int
    """Of the bot."""
    caller_at_start: int
    """Utterances that began while the decision was CALLER already: no rise can stop those."""
    false_stops: tuple[FalseStop, ...]
    false_ducks: int
    sounds: tuple[SoundOutcome, ...]
    locked_share: float | None
    """Of the echo's time, in which the delay is known and within 10 ms of the true one; None for a
    call without an echo."""
    delay_error_p95_ms: float | None
    """Of the delay estimate while it is locked and there is an echo."""
    relock_ms: tuple[float | None, ...]
    """Echo time after each step of the delay until it was found; None if it was not."""
    erle_db: float | None
    """Median over half seconds in which there was only echo."""
    near_loss_db: float | None
    """How much of the caller's voice the canceller took in double talk, median."""


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call of a suite under one rule."""

    suite: str
    rule: str
    split: str
    seed: int
    call: int
    made_of: str
    """A digest of the suite's content, the corpus and the rate: calls of another one are others."""
    conditions: dict[str, Any]
    figures: CallFigures


ROW: Final = TypeAdapter(CallRow)
