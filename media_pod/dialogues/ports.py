"""Interface between a call and its dialogue: `Dialogue`, and its output, `Act`.

A dialogue streams acts. A barge-in closes the iterator; `interrupted` then reports which words the
caller heard.

A dialogue that hears and speaks by itself, such as a speech-to-speech model, has `ears`, to which
the caller's audio goes in place of the pod's recognizer, and yields `Speak`, speech that is already
made. The call still decides when the caller interrupts and when their turn is over
(docs/decisions/0018-dialogues-with-ears.md).

Rules for acts with effects outside of the call, such as a booking
------------------------------------------------------------------
- The dialogue runs them in tasks of its own, so that closing the iterator does not cancel them.
- Their result belongs to the dialogue's state, and its next `reply` tells it.
- `aclose` waits for those under way, within their own deadlines.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from media_pod.providers.ports import Pcm, ProviderError, Speech
from media_pod.providers.recognition import SttChain
from media_pod.providers.requests import RequestObserver


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text` with the agent's voice."""

    text: str


@dataclass(frozen=True, slots=True)
class Speak:
    """Play speech that the dialogue has made, at the line's rate."""

    speech: Speech
    """Whole, or a part: one that `continues` belongs to the `Speak` before it."""
    item: str = ""
    """What an `Interruption` counts its samples by; "" if the dialogue does not need to know."""


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


@dataclass(frozen=True, slots=True)
class Expect:
    """The caller's next turn is a number of so many digits, which ends with its last."""

    digits: int


Act = Say | Speak | Play | Pause | Expect | HangUp | Transfer


VARIABLE_PREFIX: Final = "var."
"""Of a parameter of call-start that is a variable of the call."""


REFUSED_TRANSFER: Final = "refused_transfer"
"""Variable with the place to which the dialplan did not transfer the caller: the call goes on."""


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
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the dialplan passed as ?var.NAME=value."""


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """Caller input of one turn: speech or DTMF."""

    text: str
    digits: str = ""
    """DTMF digits, in order."""
    confirmed: asyncio.Event | None = field(default=None, compare=False)
    """Set once the turn is over. Until then the caller may go on, and the reply is thrown away: see
    `Dialogue.early_replies`. None if the turn is over already."""
    false_stop: bool = False
    """The bot was interrupted, but nobody has spoken: a turn without words, which wants no answer.
    The dialogue goes on with what the `Interruption` before says was not heard."""

    @property
    def as_text(self) -> str:
        """Words and keys as a model is shown them; "" for silence."""
        keyed = f"[keyed: {self.digits}]" if self.digits else ""
        return " ".join(part for part in (self.text, keyed) if part)


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
    answered: bool = True
    """The bot's answer had begun. If not, the caller's next turn repeats the words of this one."""
    item_samples: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Samples that were played of each `Speak.item`; an item of which none was is missing."""


DialogueState = Mapping[str, Any]
"""A dialogue's state as JSON has it: objects, lists, text, numbers."""


class Dialogue(Protocol):
    """The dialogue of one call. At most one iterator is open; closing it ends the turn."""

    @property
    def name(self) -> str:
        """Name of its `llm` stage in metrics and traces; "" if it reports its requests itself."""

    @property
    def early_replies(self) -> bool:
        """`reply` may be called before the caller's turn is over. Until `CallerTurn.confirmed` is
        set it then has no effects, and yields neither `HangUp` nor `Transfer`; if the caller goes
        on, it is closed, and `interrupted` says that the turn was not answered."""

    @property
    def patience_s(self) -> float | None:
        """Longest time between two acts, in seconds; None for the call's deadline."""

    @property
    def ears(self) -> SttChain | None:
        """Takes the caller's audio in place of the pod's recognizers; None for those.

        Their `finish` is the end of the caller's turn; "" from them is a turn without known words,
        not silence.
        """

    async def open(self) -> None:
        """Prepare for the first turn; called once.

        Raises:
            ProviderError: it cannot.
        """

    def greet(self) -> AsyncIterator[Act]:
        """The bot's first turn."""

    def reply(self, turn: CallerTurn) -> AsyncIterator[Act]:
        """The bot's turn after `turn`."""

    def interrupted(self, cut: Interruption) -> None:
        """Report an interrupted turn, before the next `reply`, if any."""

    def snapshot(self) -> DialogueState:
        """The state between two turns, from which `restore` goes on in another process."""

    def restore(self, state: DialogueState) -> None:
        """Go on from `state`, of a dialogue of the same manifest; in place of `greet`.

        Raises:
            ProviderError: `state` is not a snapshot of such a dialogue.
        """

    async def aclose(self) -> None:
        """The call is over: wait for acts with effects, release everything."""


DialogueFactory = Callable[[CallInfo, RequestObserver], Dialogue]


class RuleDialogue:
    """Base of dialogues that decide by rules: there is nothing to open, to wait for or to close."""

    early_replies = False
    patience_s: None = None
    ears: SttChain | None = None

    async def open(self) -> None:
        """Nothing to prepare."""

    async def aclose(self) -> None:
        """Nothing to release."""


def checked_state(state: DialogueState, dialogue: str, *fields: str) -> DialogueState:
    """`state`, which has these `fields`.

    Raises:
        ProviderError: it has others.
    """
    if set(state) != set(fields):
        raise ProviderError(
            f"{dialogue}: a snapshot with {', '.join(sorted(state)) or 'nothing'}, "
            f"expected {', '.join(sorted(fields))}"
        )
    return state
