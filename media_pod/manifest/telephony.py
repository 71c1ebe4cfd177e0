"""Extensions that reach an agent, and the transfers that leave it."""

from typing import Annotated

from pydantic import Field

from media_pod.manifest.types import DialplanPlace, DnsLabel, EachOnce, NumberOrPattern
from media_pod.manifest.validation import StrictModel


class TransferSettings(StrictModel):
    """A dialplan location to which the agent may transfer a caller."""

    name: DnsLabel = Field(description="Name that dialogues refer to; unique in the list.")
    goto: DialplanPlace = Field(
        description="Dialplan location where the call continues. Asterisk accepts it only if its "
        "own configuration lists the same location for this agent."
    )


class TelephonySettings(StrictModel):
    """Extensions that reach the agent, and transfers out."""

    extensions: Annotated[
        tuple[NumberOrPattern, ...],
        Field(strict=False, min_length=0, max_length=64),  # as for peers: lists are taken
        EachOnce(),
    ] = Field(
        default=(),
        description="Extensions and Asterisk patterns that reach the agent. In a cluster the "
        "operator publishes them to the dialplan; if two agents claim the same extension, the "
        "older agent keeps it. Default none: a dialplan that Interject does not manage reaches the "
        "agent.",
    )
    asterisk: DnsLabel = Field(
        default="asterisk",
        description="Which Asterisk of the cluster gets the extensions: the value of the label "
        "interject.dev/asterisk on its pods. Default asterisk, the chart's value.",
    )
    transfers: Annotated[
        tuple[TransferSettings, ...],
        Field(strict=False, min_length=0, max_length=32),
        EachOnce(by="name"),
    ] = Field(
        default=(),
        description="Dialplan locations to which the agent may transfer callers. Default none: "
        "every call ends with the agent.",
    )
