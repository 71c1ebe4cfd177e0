"""The scenario: one document that scripts a conversation with an agent and says how it has to go.

steps.py has what the caller does, expectations.py what has to come of it, stand_in_settings.py
what stands in for the agent's servers. Keys are camelCase; unknown keys, wrong types and values out
of range are errors, as in a VoiceAgent.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from interject_lab.evaluation.scenario.expectations import ConversationExpectation
from interject_lab.evaluation.scenario.stand_in_settings import ModelSettings, UrlPath
from interject_lab.evaluation.scenario.steps import ScenarioStep
from media_pod.manifest.conversation import Variables
from media_pod.manifest.types import DnsLabel, FilePath
from media_pod.manifest.validation import SpecError, StrictModel, describe
from media_pod.manifest.yaml_document import FileKind, read_yaml

_KIND: Final = FileKind("scenario", one_each="put each scenario in its own file")

PhoneNumber = Annotated[str, Field(max_length=64)]


class ScenarioCall(StrictModel):
    """What the agent is told of the call."""

    caller: PhoneNumber = Field(
        default="5550100", description="Number of the caller. Default 5550100."
    )
    called: PhoneNumber = Field(default="100", description="Number that was called. Default 100.")
    variables: Variables = Field(
        default={},
        description="Variables of the call, as a dialplan passes them. Default none.",
    )


class ScenarioLine(StrictModel):
    """The simulated line between the caller and the pod; with --text it has no effect."""

    erl_db: float | None = Field(
        default=None,
        ge=0,
        le=60,
        description="Echo return loss: how far the bot's echo lies below its voice, in dB. Default "
        "none: no echo.",
    )
    delay_ms: float = Field(
        default=250, ge=0, le=2000, description="Delay of the echo, in ms. Default 250."
    )
    path: Literal["hybrid", "room"] = Field(
        default="hybrid",
        description="Source of the echo: a telephone hybrid, or a loudspeaker in a room. Default "
        "hybrid.",
    )
    noise_dbfs: float = Field(
        default=-65,
        ge=-120,
        le=0,
        description="Level of white noise on the line, in dB below full scale. Default -65.",
    )


class Scenario(StrictModel):
    """A scripted conversation, and how it has to go."""

    name: DnsLabel = Field(description="Name, unique among the scenarios of one run.")
    description: Annotated[str, Field(max_length=2000)] = Field(
        default="", description="What it is about, for reports. Default empty."
    )
    agent: FilePath | None = Field(
        default=None,
        description="File of the VoiceAgent, relative to this document; --agent goes before it. "
        "Default none: --agent is required.",
    )
    call: ScenarioCall = Field(
        default=ScenarioCall(), description="What the agent is told of the call."
    )
    line: ScenarioLine = Field(
        default=ScenarioLine(), description="The line. Default: no echo, little noise."
    )
    steps: tuple[ScenarioStep, ...] = Field(
        strict=False,
        min_length=1,
        max_length=200,
        description="What the caller does, in order. After the last one the caller waits until the "
        "bot has finished its turn, and hangs up.",
    )
    expect: ConversationExpectation = Field(
        default=ConversationExpectation(), description="What is expected of the whole conversation."
    )
    model: ModelSettings | None = Field(
        default=None,
        description="A stand-in for the agent's language model. Default none: the agent's own.",
    )
    tools: dict[UrlPath, Any] | None = Field(
        default=None,
        description="A stand-in for the servers of the agent's HTTP tools: the JSON that each path "
        "answers, with its query if it has one. Other paths answer 404. Default none: their own.",
    )
    limit_seconds: int = Field(
        default=120,
        ge=5,
        le=3600,
        description="Longest duration, in seconds; a conversation that takes longer fails. Default "
        "120.",
    )


def read_scenario(path: Path) -> Scenario:
    """The scenario in the file at `path`.

    Raises:
        SetupError: the file cannot be read.
        SpecError: it is not a single YAML document, or not a valid scenario.
    """
    return load_scenario(read_yaml(path, _KIND), str(path))


def load_scenario(data: object, source: str) -> Scenario:
    """Validate `data`, a parsed YAML document read from `source`.

    Raises:
        SpecError: it is not a scenario; the message lists every problem.
    """
    try:
        return Scenario.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        raise SpecError(source, describe(errors, Scenario)) from None
