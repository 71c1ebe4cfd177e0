"""The `status` of a VoiceAgent, written by the operator.

The Python models have defaults, so that a status can be built step by step. The CRD has none: a
field that the operator has not written is unknown, not zero.
"""

from typing import Annotated, Literal

from pydantic import Field

from media_pod.manifest.types import EachOnce, NumberOrPattern, PeerAddress
from media_pod.manifest.validation import StrictModel

_Count = Annotated[int, Field(ge=0)]
_CamelCase = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,127}$")]


class Condition(StrictModel):
    """One condition of an agent, in Kubernetes' usual form."""

    type: _CamelCase = Field(
        description="Type of the condition. Ready: a new call is answered. Progressing: pods are "
        "being created, updated or removed. Degraded: something is wrong, and the message says "
        "what. CapacityAvailable: at least one slot is free. Published: the "
        "extensions can be called."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the condition holds.")
    observed_generation: _Count | None = Field(
        default=None,
        description="metadata.generation that the condition was computed from. If it is older "
        "than the agent's, the condition does not cover the latest change.",
    )
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] = Field(
        description="When status last changed, RFC 3339, such as 2026-11-26T09:30:00Z."
    )
    reason: _CamelCase = Field(description="Machine-readable reason, such as ImagePullFailed.")
    message: str = Field(description="Human-readable reason; may be empty.")


class Status(StrictModel):
    """Observed state of the agent."""

    observed_generation: _Count = Field(
        default=0,
        description="metadata.generation that the operator last reconciled.",
    )
    replicas: _Count = Field(default=0, description="Number of pods, ready or not.")
    ready_replicas: _Count = Field(default=0, description="Number of pods that take calls.")
    active_calls: _Count = Field(default=0, description="Active calls on all pods.")
    capacity: _Count = Field(
        default=0, description="Total slots of the ready pods, occupied ones included."
    )
    selector: str = Field(
        default="",
        description="Label selector of the pods; autoscalers read it through the scale "
        "subresource.",
    )
    endpoints: Annotated[
        tuple[PeerAddress, ...], Field(strict=False, max_length=64), EachOnce()
    ] = Field(
        default=(),
        description="HTTP APIs, host:port, that Asterisk queries for a pod with a free slot.",
    )
    extensions: Annotated[
        tuple[NumberOrPattern, ...], Field(strict=False, max_length=64), EachOnce()
    ] = Field(
        default=(),
        description="Extensions of spec.telephony.extensions that are published to Asterisk.",
    )
    image: str = Field(default="", description="Container image of the pods.")
    version: str = Field(default="", description="Version of the operator that wrote this status.")
    conditions: Annotated[
        tuple[Condition, ...], Field(strict=False, max_length=16), EachOnce(by="type")
    ] = Field(default=(), description="Conditions of the agent, each with its reason.")
