"""What happens in a call and to it: typed events, each with the time at which it happened.

A call and the pod around it publish; traces, metrics and the transcript subscribe, and know nothing
of each other. A new record of calls subscribes too, and no line of the conversation changes.

`at_ns` is the time in nanoseconds since 1970, `at_ms` the time since the start of the call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Final, Literal, ParamSpec, Protocol

from media_pod.dialogues.ports import CallInfo
from media_pod.providers.chat import Usage
from media_pod.providers.requests import ProviderRequest

P = ParamSpec("P")

DTMF: Final = "dtmf"
"""The reason of a barge-in by a digit, which is never a false stop."""

DuckOutcome = Literal["stopped", "faded"]
"""stopped: a barge-in followed. faded: none did; the evidence faded, or the call ended first."""


@dataclass(frozen=True, slots=True)
class CallRef:
    """Which call an event is about, and which connection of it."""

    info: CallInfo
    span_id: int = 0
    """64 bits, chosen when the connection is accepted; 0 before."""


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all events."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Reserved(Event):
    """The dialplan asked for a place, and has one here."""

    question: str
    """`call-start` or `call-next`."""
    asked_ns: int


@dataclass(frozen=True, slots=True)
class ReservationRedirected(Event):
    """The dialplan asked for a place, and was sent to a peer."""

    question: str
    asked_ns: int
    peer: str
    """Where the peer takes audio, `host:port`."""


@dataclass(frozen=True, slots=True)
class ReservationRefused(Event):
    """The dialplan asked for a place, and there is none here nor with a peer."""

    question: str
    asked_ns: int
    reason: str
    """Name of the error."""


@dataclass(frozen=True, slots=True)
class ReservationExpired(Event):
    """The audio connection did not come in time."""


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """The audio connection is here; the conversation begins."""


@dataclass(frozen=True, slots=True)
class DrainStarted(Event):
    """The pod of this call takes no new calls from now on."""


@dataclass(frozen=True, slots=True)
class HungUp(Event):
    """The dialplan reports the end of the call; may come after `Ended`."""

    cause: str
    """A number of ITU-T Q.850, such as 16 for a normal end; "" if the dialplan gives none."""


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The connection is over, and the conversation with it."""

    by: str
    """bot, caller, error or pod."""
    goto: str
    """Where in the dialplan the bot sends the caller, "" for nowhere."""


@dataclass(frozen=True, slots=True)
class ConversationEvent(Event):
    """The root of what happens between `Connected` and `Ended`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class TurnStarted(ConversationEvent):
    """The bot begins to work at its next turn."""

    number: int
    """From 1; the greeting is the first."""


@dataclass(frozen=True, slots=True)
class Recognized(ConversationEvent):
    """The caller's turn is over, and these are its words and digits."""

    text: str
    digits: str


@dataclass(frozen=True, slots=True)
class BargeIn(ConversationEvent):
    """The caller interrupted the bot, which is silent from now on."""

    reason: str
    """The bank's `Reason` in lower case, or `DTMF`."""
    onset_ago_s: float
    """How long ago the caller began to speak; 0 for a digit."""
    delay_ms: float
    """Of the echo; NaN while unknown."""
    delay_confidence: float
    erle_db: float
    """NaN while unknown."""
    heard: str
    unheard: str
    heard_ms: int
    """Speech of this turn that was played, without pauses."""
    why: tuple[tuple[str, float], ...] = ()
    """The groups of features that carried the decision, see `Step.why`; empty for a digit, and if
    the bank decided earlier, while the greeting was protected."""


@dataclass(frozen=True, slots=True)
class Ducked(ConversationEvent):
    """A duck of the bot's voice is over: the bank was in doubt whether the caller speaks."""

    lasted_ms: int
    outcome: DuckOutcome


@dataclass(frozen=True, slots=True)
class FalseStopSuspected(ConversationEvent):
    """Nothing was recognized in the turn that this barge-in began, and the caller was silent."""

    barge_in: BargeIn


@dataclass(frozen=True, slots=True)
class SpeechPlayed(ConversationEvent):
    """A turn of the bot is over: what of it the caller heard, and what not."""

    heard: str
    unheard: str = ""
    cut: bool = False
    """The caller interrupted it."""


@dataclass(frozen=True, slots=True)
class ProviderEvent(ConversationEvent):
    """The root of what happens to a request; one of Finished, Failed, Cancelled is the last."""

    request: ProviderRequest


@dataclass(frozen=True, slots=True)
class ProviderRequested(ProviderEvent):
    """The request was sent."""


@dataclass(frozen=True, slots=True)
class ProviderAnswered(ProviderEvent):
    """The first result is here."""


@dataclass(frozen=True, slots=True)
class ProviderFinished(ProviderEvent):
    """All results are here."""

    usage: Usage | None = None
    """Tokens, of a language model."""
    text: str = ""
    """What a tool returned."""


@dataclass(frozen=True, slots=True)
class ProviderFailed(ProviderEvent):
    """The provider raised an error, or missed its deadline."""

    error_type: str
    """A `FailureKind`, or the class of a foreign error; its text may quote what people said."""


@dataclass(frozen=True, slots=True)
class ProviderCancelled(ProviderEvent):
    """The result is not wanted any more."""


class Publish(Protocol):
    """Takes an event of the conversation of one call."""

    def __call__(
        self,
        make: Callable[Concatenate[int, int, P], ConversationEvent],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """`make` is the event's class; its times are put in front of `args`."""
