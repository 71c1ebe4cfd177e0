"""Interface between a call and its dialogue: `Dialogue`, and its output, `Act`.

A dialogue streams acts. A barge-in closes the iterator; `interrupted` then reports which words the
caller heard.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from media_pod.providers.ports import Pcm


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text` with the agent's voice."""

    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play recorded speech. In an `Interruption` it counts as one word, `name`."""

    name: str
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Pause:
    """Stay silent for a while without ending the turn."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call after all previous acts have been played."""

    reason: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Transfer the caller, and end the agent's part of the call, after all previous acts have been
    played."""

    goto: str
    """Dialplan location, `context,exten,priority`."""


Act = Say | Play | Pause | HangUp | Transfer


@dataclass(frozen=True, slots=True)
class CallInfo:
    """Properties of a call that are known at its start."""

    uuid: str
    from_number: str = ""
    to_number: str = ""
    traceparent: str = ""
    """Trace context of the dialplan, W3C traceparent format; "" if there is none."""
    leg: int | None = None
    """Number of the call's next connection, counted from 0 by the dialplan."""


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """Caller input of one turn: speech or DTMF."""

    text: str
    digits: str = ""
    """DTMF digits, in order."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """The bot's turn was interrupted: the part of its speech that the caller heard, and when.

    Usually by a barge-in; also when its voice failed or the pod shuts down. If nothing had been
    played yet, `heard` is "".
    """

    heard: str
    unheard: str
    heard_ms: int
    """Duration of this turn's played speech, without pauses."""
    at_ms: int
    """Time at which the bot fell silent, from the start of the call."""


class Dialogue(Protocol):
    """The dialogue of one call. At most one iterator is open; closing it ends the turn."""

    def greet(self) -> AsyncIterator[Act]:
        """The bot's first turn."""

    def reply(self, turn: CallerTurn) -> AsyncIterator[Act]:
        """The bot's turn after `turn`."""

    def interrupted(self, cut: Interruption) -> None:
        """Report an interrupted turn, before the next `reply`, if any."""


DialogueFactory = Callable[[CallInfo], Dialogue]
