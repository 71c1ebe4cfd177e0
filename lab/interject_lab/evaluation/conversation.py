"""What happened in one conversation, in text or in a call: the facts that are judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

GREETING: Final = -1
"""In place of a step's number: the bot's turn before the first step."""


class Ending(Enum):
    """How a conversation ended; the values are those of a scenario."""

    HANG_UP = "hangUp"
    TRANSFER = "transfer"
    CALLER = "caller"
    FAILED = "failed"
    """The connection or the pod failed."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call of the agent."""

    name: str
    arguments: str
    """JSON text, as the model wrote it."""
    result: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class AnswerStages:
    """How long after the end of the caller's turn the parts of the answer came, in ms; None where
    there was no such part."""

    turn_end_ms: float | None = None
    """The agent decided that the turn is over."""
    words_ms: float | None = None
    """The words were recognized."""
    first_token_ms: float | None = None
    first_clause_ms: float | None = None
    """The voice was given the first clause."""
    first_audio_ms: float | None = None
    """The first sound was on the line."""

    def __iter__(self) -> Iterator[float | None]:
        return iter((
            self.turn_end_ms, self.words_ms, self.first_token_ms, self.first_clause_ms,
            self.first_audio_ms,
        ))  # fmt: skip


STAGE_NAMES: Final = ("turn end", "words", "first token", "first clause", "first audio")


@dataclass(frozen=True, slots=True)
class BotTurn:
    """One turn of the bot."""

    step: int
    """Number of the step that it answers, from 0, or `GREETING`."""
    heard: str
    """What the agent takes for heard by the caller."""
    unheard: str = ""
    cut: bool = False
    """The caller interrupted it."""
    tools: tuple[ToolUse, ...] = ()
    stages: AnswerStages = AnswerStages()
    heard_on_line: str | None = None
    """What the line carried of it, by the recording; None where there is none."""

    @property
    def text(self) -> str:
        """All that it wanted to say."""
        return f"{self.heard} {self.unheard}".strip()

    @property
    def words_error(self) -> int | None:
        """How many words more or fewer the agent takes for heard than the line carried."""
        if self.heard_on_line is None:
            return None
        return abs(len(self.heard.split()) - len(self.heard_on_line.split()))


@dataclass(frozen=True, slots=True)
class CallerTurnSeen:
    """One turn of the caller as the agent took it."""

    step: int
    text: str
    digits: str = ""


@dataclass(frozen=True, slots=True)
class SeenConversation:
    """One conversation."""

    bot: tuple[BotTurn, ...]
    caller: tuple[CallerTurnSeen, ...]
    ending: Ending
    goto: str = ""
    problems: tuple[str, ...] = ()
    """What kept it from going as scripted."""
    requests: Sequence[Sequence[dict[str, Any]]] = field(default=(), repr=False)
    """The messages of each request to the stand-in model, in order."""

    @property
    def tools(self) -> tuple[ToolUse, ...]:
        """All tool calls, in order."""
        return tuple(use for turn in self.bot for use in turn.tools)

    def answers(self, step: int) -> tuple[BotTurn, ...]:
        """The bot's turns that answer the step."""
        return tuple(turn for turn in self.bot if turn.step == step)

    def cut_by(self, step: int) -> BotTurn | None:
        """The bot's turn that the step interrupted, if it did."""
        before = [turn for turn in self.bot if turn.step < step]
        return before[-1] if before and before[-1].cut else None
