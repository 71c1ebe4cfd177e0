"""What the stand-ins for the agent's servers answer."""

from typing import Annotated, Any

from pydantic import Field

from interject_lab.evaluation.scenario.words import Words
from media_pod.manifest.types import ToolName
from media_pod.manifest.validation import Allowed, StrictModel

UrlPath = Annotated[
    str,
    Field(pattern=r"^/[!-~]*$", max_length=2000),
    Allowed("the path of a URL, which begins with /"),
]


class ModelCall(StrictModel):
    """A tool call that the stand-in model makes."""

    name: ToolName = Field(description="Name of the tool.")
    arguments: dict[str, Any] = Field(default={}, description="Its arguments. Default none.")


class ModelCondition(StrictModel):
    """When a rule applies; without a field, always."""

    caller: Words | None = Field(
        default=None,
        description="The last message is the caller's, with these words: a part of the text, or a "
        "regular expression between slashes. Keys are in it as [keyed: 4712].",
    )
    result: Words | None = Field(
        default=None,
        description="The last message is the result of a tool, with these words, as in caller.",
    )


class ModelRule(StrictModel):
    """What the stand-in model answers in one case."""

    when: ModelCondition = Field(
        default=ModelCondition(), description="The case. Default: every case."
    )
    say: Annotated[str, Field(max_length=20_000)] = Field(
        default="", description="Text of the answer. Default empty: no text."
    )
    calls: tuple[ModelCall, ...] = Field(
        default=(),
        strict=False,
        min_length=0,
        max_length=16,
        description="Tool calls of the answer. Default none.",
    )


class ModelSettings(StrictModel):
    """A stand-in for the agent's language model: a server with OpenAI's chat completions."""

    first_token_ms: int = Field(
        default=100,
        ge=0,
        le=60_000,
        description="Time until the first token, in ms. Default 100.",
    )
    token_ms: int = Field(
        default=20,
        ge=0,
        le=10_000,
        description="Time between tokens, in ms; a token is a word. Default 20.",
    )
    rules: tuple[ModelRule, ...] = Field(
        strict=False,
        min_length=1,
        max_length=200,
        description="The answers; the first rule whose case it is counts. A case without a rule "
        "fails the scenario.",
    )
