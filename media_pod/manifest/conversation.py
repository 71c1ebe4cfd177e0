"""Settings of a conversation with a language model: first words, limits, fixed phrases."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from media_pod.manifest.rules import absolute_in_cluster, in_cluster
from media_pod.manifest.types import FilePath, SpokenText, Template
from media_pod.manifest.validation import StrictModel

VARIABLE_PATTERN: Final = "^[a-zA-Z_][a-zA-Z0-9_]*$"
MAX_VARIABLE_NAME: Final = 64
CALL_VARIABLES: Final = ("caller", "called", "date", "time", "weekday")
"""Variables that every call has."""
VARIABLE_WORDS: Final = (
    f"names of letters, digits and _, not a digit first, at most {MAX_VARIABLE_NAME} characters, "
    f"none of them {', '.join(CALL_VARIABLES)}"
)


def variables_checked(variables: dict[str, str]) -> dict[str, str]:
    """`variables`, whose names have been checked. Raises PydanticCustomError."""
    for name in variables:
        well_formed = re.fullmatch(VARIABLE_PATTERN, name)
        if not well_formed or len(name) > MAX_VARIABLE_NAME or name in CALL_VARIABLES:
            raise PydanticCustomError(
                "clash", "found the name {name}; allowed: " + VARIABLE_WORDS, {"name": name}
            )
    return variables


Variables = Annotated[
    dict[str, Annotated[str, Field(max_length=2000)]],
    Field(max_length=50),
    AfterValidator(variables_checked),
]


class GreetingSettings(StrictModel):
    """The first words of a call."""

    speaks_first: Literal["agent", "caller"] = Field(
        default="agent",
        description="Who speaks first. Default agent: callers expect to be greeted.",
    )
    text: Template | None = Field(
        default=None,
        description="The first words, a template over the call's variables. Default none: the "
        "model makes them from the instructions, which takes as long as any answer.",
    )
    interruptible: Literal["always", "afterLineLearned", "never"] = Field(
        default="afterLineLearned",
        description="Whether the caller can interrupt the greeting. afterLineLearned ignores "
        "speech until the echo of this line is known, at most 1.5 s. Default afterLineLearned: "
        "before that, echo and caller look alike.",
    )


class LimitsSettings(StrictModel):
    """When the agent ends a conversation by itself, politely and with a reason."""

    call_seconds: int = Field(
        default=3600,
        ge=10,
        le=86_400,
        description="Longest call, in seconds. Default 3600: a forgotten line costs an hour at "
        "most.",
    )
    silence_prompts: int = Field(
        default=2,
        ge=0,
        le=20,
        description="How often in a row the agent asks a silent caller whether they are there, "
        "each time after turn.noInputMs, before it says goodbye. Default 2.",
    )
    reply_seconds: int = Field(
        default=120,
        ge=5,
        le=3600,
        description="Longest reply, in seconds of speech; the rest is left out. Default 120: "
        "nobody listens longer.",
    )
    turns: int = Field(
        default=200,
        ge=1,
        le=10_000,
        description="Most turns of the caller in one call. Default 200.",
    )
    tokens: int = Field(
        default=500_000,
        ge=1000,
        le=100_000_000,
        description="Most tokens of one call, input and output together. Default 500000: an hour "
        "of conversation with short instructions.",
    )
    tool_rounds: int = Field(
        default=8,
        ge=1,
        le=50,
        description="Most requests to the model within one turn; each but the first brings results "
        "of tools. Default 8: a model that calls a tool for ever is stopped within seconds.",
    )


class PhrasesSettings(StrictModel):
    """Fixed sentences, for when the model cannot be asked or need not be."""

    apology: SpokenText = Field(
        default="Sorry, something went wrong on my side. Could you say that again, please?",
        description="After a turn that failed.",
    )
    goodbye: SpokenText = Field(
        default="I am sorry, I cannot go on with this call. Goodbye.",
        description="When the pod or its providers cannot continue.",
    )
    still_there: SpokenText = Field(
        default="Are you still there?", description="To a caller who is silent."
    )
    silence_goodbye: SpokenText = Field(
        default="I cannot hear you, so I will hang up now. Goodbye.",
        description="To a caller who stays silent.",
    )
    limit_goodbye: SpokenText = Field(
        default="I have to end our call here. Thank you for calling. Goodbye.",
        description="When a limit of the call is reached.",
    )


class RecordingSettings(StrictModel):
    """A sentence that was recorded: it is played whenever the agent says exactly this text."""

    text: SpokenText = Field(description="The sentence.")
    play: FilePath = Field(
        description="WAV file of 16-bit PCM, relative to this document; absolute in a cluster."
    )

    model_config = in_cluster(absolute_in_cluster("play"))
