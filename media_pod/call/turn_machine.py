"""Whose turn it is: the conversation's state machine, as a table.

Rules
-----
- The bot speaks first. It has the turn until all it wanted to say has been played.
- A caller who speaks over the bot gets the turn at once: the bot falls silent, the answer that it
  prepares is cancelled, and the dialogue learns which words were heard.
- The caller's turn is over after a silence, a number in DTMF, or when it has lasted too long.
  Then the bot thinks. A caller who goes on while the bot thinks takes the turn back, and what was
  recognized so far stays part of that turn.
- In a pause that is likely the end of the caller's turn, the bot prepares an answer. Nothing of it
  is heard and nothing of it has effects until the turn is over; a caller who goes on, or a provider
  that fails, throws it away.
- A caller who says nothing at all for long is answered too, with an empty turn.
- A provider that fails costs one turn: the bot falls silent, says so and listens. When it happens
  again in the next turn, the bot says goodbye.
- Nothing cuts the goodbye short but the caller and the pod: a provider that fails meanwhile is not
  needed any more.
- A caller who speaks over the dialogue's goodbye gets the turn like any other time.
- A pod that must go, or whose providers fail, says so; nothing keeps that call.

An event that a state does not list changes nothing there.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class TurnState(Enum):
    """Where the conversation is."""

    GREETING = "greeting"
    LISTENING = "listening"
    PREPARING = "preparing"
    """The caller pauses, and the bot prepares an answer that may be thrown away."""
    THINKING = "thinking"
    SPEAKING = "speaking"
    INTERRUPTED = "interrupted"
    ENDING = "ending"
    """The bot's goodbye is being played."""
    LEAVING = "leaving"
    """The pod's last words are being played: it cannot go on."""
    OVER = "over"


class TurnEvent(Enum):
    """What can happen to a conversation."""

    CALLER = "caller"
    """The caller began to speak, or sent a digit."""
    PAUSED = "paused"
    """The caller's turn is likely over."""
    CALLER_DONE = "caller done"
    """The caller's turn is over."""
    NO_INPUT = "no input"
    """The caller has said nothing for long."""
    SPEECH = "speech"
    """The first speech of the bot's turn is ready."""
    SPOKEN = "spoken"
    """The bot's turn is over: everything was played."""
    GOODBYE = "goodbye"
    """The dialogue wants to hang up after what it has said."""
    FAILED = "failed"
    """A provider failed."""
    FAILED_AGAIN = "failed again"
    """A provider failed, and the turn before had failed too."""
    DISMISSED = "dismissed"
    """The pod cannot keep the call any longer."""


class Effect(Enum):
    """What the call has to do about it."""

    HEAR = "hear"
    """Open the caller's turn; of speech, from before its onset."""
    STOP = "stop"
    """Empty the playout, and report to the dialogue which words were heard."""
    CANCEL = "cancel"
    """Cancel recognition, dialogue and speech in work."""
    REPLY = "reply"
    """Recognize the utterance and let the dialogue answer."""
    PREPARE = "prepare"
    """As `REPLY`, but hold back what the dialogue says."""
    RELEASE = "release"
    """Let the prepared answer be heard."""
    APOLOGISE = "apologise"
    """Say that something went wrong, and ask to say it again."""
    SAY_GOODBYE = "say goodbye"
    """Say that the call cannot go on."""
    HANG_UP = "hang up"


_S, _E, _F = TurnState, TurnEvent, Effect  # the table is read more often than these names

_TALKING = tuple(state for state in TurnState if state not in (_S.LEAVING, _S.OVER))

_Table = Mapping[tuple[TurnState, TurnEvent], tuple[TurnState, tuple[Effect, ...]]]

TABLE: Final[_Table] = MappingProxyType(
    {
        **{(s, _E.DISMISSED): (_S.LEAVING, (_F.STOP, _F.CANCEL, _F.SAY_GOODBYE)) for s in _TALKING},
        (_S.GREETING, _E.CALLER): (_S.INTERRUPTED, (_F.STOP, _F.CANCEL, _F.HEAR)),
        (_S.GREETING, _E.SPOKEN): (_S.LISTENING, ()),
        (_S.GREETING, _E.GOODBYE): (_S.ENDING, ()),
        (_S.GREETING, _E.FAILED): (_S.SPEAKING, (_F.STOP, _F.APOLOGISE)),
        (_S.LISTENING, _E.CALLER): (_S.LISTENING, (_F.HEAR,)),
        (_S.LISTENING, _E.CALLER_DONE): (_S.THINKING, (_F.REPLY,)),
        **{(s, _E.PAUSED): (_S.PREPARING, (_F.PREPARE,)) for s in (_S.LISTENING, _S.INTERRUPTED)},
        (_S.PREPARING, _E.CALLER): (_S.LISTENING, (_F.STOP, _F.CANCEL, _F.HEAR)),
        (_S.PREPARING, _E.CALLER_DONE): (_S.THINKING, (_F.RELEASE,)),
        (_S.PREPARING, _E.FAILED): (_S.LISTENING, (_F.STOP, _F.HEAR)),
        (_S.LISTENING, _E.NO_INPUT): (_S.THINKING, (_F.REPLY,)),
        (_S.THINKING, _E.CALLER): (_S.LISTENING, (_F.STOP, _F.CANCEL, _F.HEAR)),
        (_S.THINKING, _E.SPEECH): (_S.SPEAKING, ()),
        (_S.THINKING, _E.SPOKEN): (_S.LISTENING, ()),
        (_S.THINKING, _E.GOODBYE): (_S.ENDING, ()),
        (_S.THINKING, _E.FAILED): (_S.SPEAKING, (_F.STOP, _F.APOLOGISE)),
        (_S.THINKING, _E.FAILED_AGAIN): (_S.LEAVING, (_F.STOP, _F.SAY_GOODBYE)),
        (_S.SPEAKING, _E.CALLER): (_S.INTERRUPTED, (_F.STOP, _F.CANCEL, _F.HEAR)),
        (_S.SPEAKING, _E.SPOKEN): (_S.LISTENING, ()),
        (_S.SPEAKING, _E.GOODBYE): (_S.ENDING, ()),
        (_S.SPEAKING, _E.FAILED): (_S.SPEAKING, (_F.STOP, _F.APOLOGISE)),
        (_S.SPEAKING, _E.FAILED_AGAIN): (_S.LEAVING, (_F.STOP, _F.SAY_GOODBYE)),
        (_S.INTERRUPTED, _E.CALLER): (_S.INTERRUPTED, (_F.HEAR,)),
        (_S.INTERRUPTED, _E.CALLER_DONE): (_S.THINKING, (_F.REPLY,)),
        (_S.ENDING, _E.CALLER): (_S.INTERRUPTED, (_F.STOP, _F.CANCEL, _F.HEAR)),
        (_S.ENDING, _E.SPOKEN): (_S.OVER, (_F.HANG_UP,)),
        (_S.LEAVING, _E.CALLER): (_S.OVER, (_F.STOP, _F.CANCEL, _F.HANG_UP)),
        (_S.LEAVING, _E.SPOKEN): (_S.OVER, (_F.HANG_UP,)),
    }
)


class TurnMachine:
    """The conversation's state."""

    def __init__(self) -> None:
        self.state = TurnState.GREETING

    def on(self, event: TurnEvent) -> tuple[Effect, ...]:
        """Move on; returns what has to be done, in order."""
        self.state, effects = TABLE.get((self.state, event), (self.state, ()))
        return effects
