"""What a call asks of a dialogue (`Dialogue`), and what a dialogue asks of the call (`Act`).

A dialogue streams its acts. A barge-in closes the iterator, and the dialogue learns from
`interrupted` which words the caller heard.
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
    """Play recorded speech. It counts as one word, `name`, when what was heard is told."""

    name: str
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for a while, still holding the turn."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call once all that was said before has been played."""

    reason: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """End the agent's part of the call, and send the caller on, once all that was said before has
    been played."""

    goto: str
    """A place in the dialplan, `context,exten,priority`."""


Act = Say | Play | Pause | HangUp | Transfer


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What is known of a call when it begins."""

    uuid: str
    from_number: str = ""
    to_number: str = ""
    traceparent: str = ""
    """The dialplan's place in a trace, as W3C Trace Context writes it; "" if it names none."""
    leg: int | None = None
    """Which connection of the call the next one is, counted from 0 by the dialplan."""


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """What the caller said or keyed in one turn."""

    text: str
    digits: str = ""
    """DTMF digits, in order."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """The bot's turn was cut short: what of its speech was heard, what was not, and when.

    Usually because the caller spoke over it; also when its voice failed or the pod has to go. If
    nothing had been played yet, `heard` is "".
    """

    heard: str
    unheard: str
    heard_ms: int
    """How much of this turn's speech was played, pauses not counted."""
    at_ms: int
    """When the bot fell silent, counted from the start of the call."""


class Dialogue(Protocol):
    """The mind of one call. One iterator is open at a time; closing it means nobody listens."""

    def greet(self) -> AsyncIterator[Act]:
        """The bot's first turn."""

    def reply(self, turn: CallerTurn) -> AsyncIterator[Act]:
        """The bot's turn after `turn`."""

    def interrupted(self, cut: Interruption) -> None:
        """Told of a turn that was cut short, before the next `reply` if there is one."""


DialogueFactory = Callable[[CallInfo], Dialogue]
