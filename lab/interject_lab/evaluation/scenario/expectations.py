"""What a scenario expects, of one answer of the bot or of the whole conversation."""

from typing import Any, Literal

from pydantic import Field

from interject_lab.evaluation.scenario.words import Words
from media_pod.manifest.types import DialplanPlace
from media_pod.manifest.validation import StrictModel


class ExpectedCall(StrictModel):
    """A tool call that the agent makes."""

    name: str = Field(min_length=1, max_length=200, description="Name of the tool.")
    arguments: dict[str, Any] = Field(
        default={},
        description="Arguments that the call has, among others. A text may be a regular expression "
        "between slashes. Default none: any arguments.",
    )


class BotExpectation(StrictModel):
    """What is expected of the bot, in one answer or in all of them."""

    says: tuple[Words, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=50,
        description="What the caller hears, each in any case and place: a part of the text, or a "
        "regular expression between slashes. Default none.",
    )
    says_not: tuple[Words, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=50,
        description="What the bot does not say, written as in says. Default none.",
    )
    calls: tuple[ExpectedCall, ...] | None = Field(
        default=None,
        strict=False,
        min_length=0,
        max_length=50,
        description="Tool calls, in this order; others may come between. Empty: no tool is called. "
        "Default none: not checked.",
    )
    first_audio_ms: int | None = Field(
        default=None,
        ge=1,
        le=60_000,
        description="Longest time from the end of the caller's speech or keys to the bot's first "
        "sound on the line, in ms. Checked in calls, not with --text. Default none.",
    )
    apology: bool | None = Field(
        default=None,
        description="Whether the bot says one of phrases.apology and phrases.goodbye of the agent. "
        "Default none: not checked.",
    )


class AnswerExpectation(BotExpectation):
    """What is expected of the bot's answer to one step."""

    heard_up_to: Words | None = Field(
        default=None,
        description="Of an interrupt step: the last words that the agent takes for heard. In a "
        "call a few more may follow, which the bot says before it stops, and the recording of the "
        "line must agree to within one word. Default none.",
    )


class ConversationExpectation(BotExpectation):
    """What is expected of the whole conversation."""

    ends: Literal["hangUp", "transfer", "caller"] | None = Field(
        default=None,
        description="Who ends it: hangUp, the bot hangs up; transfer, it transfers the caller; "
        "caller, the script is over first. Default none.",
    )
    goto: DialplanPlace | None = Field(
        default=None,
        description="Where the bot transfers the caller, context,extension,priority. Default none.",
    )
    turns: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Number of the caller's turns with words or keys, as the agent counts them. "
        "Default none.",
    )
