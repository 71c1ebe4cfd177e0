"""How calls come to an agent, and how they leave it."""

from typing import Annotated

from pydantic import Field

from media_pod.manifest.types import DialplanPlace, DnsLabel, EachOnce, NumberOrPattern
from media_pod.manifest.validation import StrictModel


class Transfer(StrictModel):
    """A place in the dialplan to which the agent may send a caller."""

    name: DnsLabel = Field(description="What the dialogue calls it; unique in the list.")
    goto: DialplanPlace = Field(
        description="Where the call goes on. Asterisk obeys only if "
        "its own configuration lists the same place for this agent."
    )


class Telephony(StrictModel):
    """How calls come to the agent, and how they leave it."""

    extensions: Annotated[
        tuple[NumberOrPattern, ...],
        Field(strict=False, min_length=0, max_length=64),  # as for peers: lists are taken
        EachOnce(),
    ] = Field(
        default=(),
        description="Numbers and Asterisk patterns that reach the agent; in a cluster the "
        "operator writes them into the dialplan. Of two agents that claim one, the older has it. "
        "Default none: the agent is reached by a dialplan of somebody else's.",
    )
    asterisk: DnsLabel = Field(
        default="asterisk",
        description="Which Asterisk of the cluster has the extensions: the value of its pods' "
        "label interject.dev/asterisk. Default asterisk, as the chart installs it.",
    )
    transfers: Annotated[
        tuple[Transfer, ...],
        Field(strict=False, min_length=0, max_length=32),
        EachOnce(by="name"),
    ] = Field(
        default=(),
        description="Places to which the agent may send a caller. Default none: every "
        "call ends with the agent.",
    )
