"""What the operator says about a VoiceAgent in a cluster: its `status`.

Python has defaults here, so that a status can be built step by step; the CRD has none, because what
nobody has written is unknown and not zero.
"""

from typing import Annotated, Literal

from pydantic import Field

from media_pod.manifest.types import EachOnce, NumberOrPattern, PeerAddress
from media_pod.manifest.validation import StrictModel

_Count = Annotated[int, Field(ge=0)]
_CamelCase = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,127}$")]


class Condition(StrictModel):
    """One thing that is so, is not so, or is not known of an agent."""

    type: _CamelCase = Field(
        description="What it is about. Ready: a caller finds somebody. Progressing: pods come, go "
        "or change. Degraded: something is wrong, and the message says what. CapacityAvailable: "
        "one more call would be taken. Published: Asterisk has the extensions."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    observed_generation: _Count | None = Field(
        default=None,
        description="metadata.generation of the agent that this was said of; an older one than "
        "today's says nothing about the latest change.",
    )
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] = Field(
        description="When status last changed, such as 2026-11-26T09:30:00Z."
    )
    reason: _CamelCase = Field(
        description="Why, in one word that programs may rely on, such as ImagePullFailed."
    )
    message: str = Field(description="Why, in one sentence for people; may be empty.")


class Status(StrictModel):
    """What the operator has found out about the agent."""

    observed_generation: _Count = Field(
        default=0,
        description="metadata.generation of the agent that the operator has last acted upon.",
    )
    replicas: _Count = Field(default=0, description="Pods that there are, ready or not.")
    ready_replicas: _Count = Field(default=0, description="Pods that take calls.")
    active_calls: _Count = Field(default=0, description="Calls that are running on all pods.")
    capacity: _Count = Field(
        default=0, description="Calls that the ready pods take in all, running ones included."
    )
    selector: str = Field(
        default="",
        description="Label selector of the pods, as autoscalers read it from the scale "
        "subresource.",
    )
    endpoints: Annotated[
        tuple[PeerAddress, ...], Field(strict=False, max_length=64), EachOnce()
    ] = Field(
        default=(),
        description="host:port of the HTTP APIs at which Asterisk asks who takes a call.",
    )
    extensions: Annotated[
        tuple[NumberOrPattern, ...], Field(strict=False, max_length=64), EachOnce()
    ] = Field(
        default=(),
        description="Those of spec.telephony.extensions that Asterisk has been given.",
    )
    image: str = Field(default="", description="Container image of the pods.")
    version: str = Field(default="", description="Version of the operator that wrote this.")
    conditions: Annotated[
        tuple[Condition, ...], Field(strict=False, max_length=16), EachOnce(by="type")
    ] = Field(default=(), description="What is so and what is not, each with its reason.")
