"""Whether the caller can interrupt the greeting."""

from typing import Final

from media_pod.call.inputs import CallerTick, GreetingProtection
from media_pod.duplex.contract import LOCKED

LEARNING_MS: Final = 1500
"""Speech of the bot for which a greeting is protected while no echo has been found."""


def is_protected(interruptible: GreetingProtection, last: CallerTick | None, heard_ms: int) -> bool:
    """Whether the greeting goes on, whatever the caller says.

    Args:
        interruptible: the setting.
        last: the latest tick, if there was one.
        heard_ms: how much of the greeting has been played.
    """
    if interruptible != "afterLineLearned":
        return interruptible == "never"
    learned = last is not None and line_is_learned(last)
    return not learned and heard_ms < LEARNING_MS


def line_is_learned(tick: CallerTick) -> bool:
    """Whether the bank has found the echo of the line."""
    return tick.delay_confidence >= LOCKED
