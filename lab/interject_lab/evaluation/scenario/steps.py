"""What the scripted caller does, step by step."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interject_lab.evaluation.scenario.expectations import AnswerExpectation
from media_pod.manifest.types import FilePath, SpokenText
from media_pod.manifest.validation import Allowed, StrictModel

ACTS = ("say", "wait", "interrupt", "key", "silent", "until_bot_silent")
_KEYS = ("say", "wait", "interrupt", "key", "silent", "untilBotSilent")

Keys = Annotated[
    str,
    Field(pattern=r"^[0-9A-D*#]{1,64}$", max_length=64),
    Allowed("1 to 64 of the keys 0-9, A-D, * and #"),
]


class Duration(StrictModel):
    """A length of time."""

    ms: int = Field(ge=0, le=600_000, description="In milliseconds.")


class Interrupt(StrictModel):
    """The caller speaks over the bot."""

    after_words: int = Field(
        ge=0,
        le=1000,
        description="Begins when the bot has said so many words of its turn; 0: with its first "
        "sound.",
    )
    say: SpokenText = Field(description="What the caller says.")
    recording: FilePath | None = Field(
        default=None,
        description="Audio file (WAV, FLAC, OGG) of it, relative to this document. Default none: "
        "a synthetic voice.",
    )


class ScenarioStep(StrictModel):
    """One step: exactly one act, and what is expected of the bot's answer to it."""

    say: SpokenText | None = Field(
        default=None,
        description="The caller says this once the bot has finished its turn, or at once after a "
        "wait.",
    )
    recording: FilePath | None = Field(
        default=None,
        description="With say: audio file (WAV, FLAC, OGG) of it, relative to this document. "
        "Default none: a synthetic voice.",
    )
    wait: Duration | None = Field(
        default=None,
        description="The caller waits so long after the step before, whatever the bot does; the "
        "next step follows at once. With --text it has no effect.",
    )
    interrupt: Interrupt | None = Field(
        default=None, description="The caller speaks over the bot's turn."
    )
    key: Keys | None = Field(
        default=None,
        description="The caller presses these keys, four a second, once the bot has finished its "
        "turn, or at once after a wait.",
    )
    silent: Duration | None = Field(
        default=None,
        description="The caller says nothing for so long once the bot has finished its turn. With "
        "--text: one silent turn for every turn.noInputMs of the agent.",
    )
    until_bot_silent: Literal[True] | None = Field(
        default=None, description="The caller waits until the bot has finished its turn."
    )
    expect: AnswerExpectation = Field(
        default=AnswerExpectation(), description="What is expected of the bot's answer."
    )

    @model_validator(mode="after")
    def _one_act(self) -> Self:
        found = [key for key, act in zip(_KEYS, ACTS, strict=True) if getattr(self, act)]
        if len(found) != 1:
            raise PydanticCustomError(
                "one_of",
                "found {found}; allowed: exactly one of {keys}",
                {"found": " and ".join(found) or "none", "keys": ", ".join(_KEYS)},
            )
        if self.recording and not self.say:
            raise PydanticCustomError(
                "clash", "found recording without say; allowed: recording with say"
            )
        if self.expect.heard_up_to and not self.interrupt:
            raise PydanticCustomError(
                "clash",
                "found expect.heardUpTo without interrupt; allowed: heardUpTo with interrupt",
            )
        return self

    @property
    def text(self) -> str:
        """What the caller says in it; "" if nothing."""
        return self.interrupt.say if self.interrupt else self.say or ""

    @property
    def audio_file(self) -> str | None:
        """The recording of `text`; None for a synthetic voice."""
        return self.interrupt.recording if self.interrupt else self.recording
