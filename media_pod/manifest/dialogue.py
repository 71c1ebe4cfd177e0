"""What an agent says: the dialogues that are built in, by their kind."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.types import DnsLabel, SpokenText
from media_pod.manifest.validation import StrictModel


class ParcelDesk(StrictModel):
    """The built-in parcel desk: asks for a tracking number, reads it back, takes an address."""

    kind: Literal["parcelDesk"] = Field(
        default="parcelDesk", description="The rule-based parcel desk."
    )
    person: DnsLabel | None = Field(
        default=None,
        description="The name of the transfer for callers who ask for a person, or press 0. "
        "Default none: the desk then says that nobody else is there.",
    )


class ScriptLine(StrictModel):
    """One thing that a script says, plays or does, and the silence after it."""

    say: SpokenText | None = Field(
        default=None, description="Text to speak. This, play or transfer."
    )
    play: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="Path of a WAV file to play, relative to this document; in a cluster absolute, "
        "in the image or in a volume of podTemplate. This, say or transfer.",
    )
    transfer: DnsLabel | None = Field(
        default=None,
        description="The name of a transfer: the call leaves the agent and goes on there. This, "
        "say or play.",
    )
    pause_ms: int = Field(
        default=500,
        ge=0,
        le=60_000,
        description="Silence after the line, in ms. Default 500: about what a reader leaves "
        "between sentences.",
    )

    model_config = in_cluster(
        Rule(
            "(has(self.say) ? 1 : 0) + (has(self.play) ? 1 : 0) + (has(self.transfer) ? 1 : 0)"
            " == 1",
            found="{has(self.say) ? (has(self.play) ? (has(self.transfer)"
            " ? 'say and play and transfer' : 'say and play') : 'say and transfer')"
            " : has(self.play) ? 'play and transfer' : 'none'}",
            allowed="exactly one of say, play and transfer",
        )
    )

    @model_validator(mode="after")
    def _one_act(self) -> Self:
        acts = ("say", "play", "transfer")
        found = [act for act in acts if getattr(self, act) is not None]
        if len(found) != 1:
            raise PydanticCustomError(
                "one_of",
                "found {found}; allowed: exactly one of say, play and transfer",
                {"found": " and ".join(found) or "none"},
            )
        return self


class Scripted(StrictModel):
    """Says the same lines to everyone, whatever the caller says, unless interrupted."""

    kind: Literal["scripted"] = Field(description="A fixed script, for measurements and tests.")
    script: tuple[ScriptLine, ...] = Field(
        strict=False,  # YAML and JSON have lists, not tuples; the lines themselves stay strict
        min_length=1,
        max_length=1000,
        description="The lines in order.",
    )
    at_end: Literal["hangUp", "listen", "repeat"] = Field(
        default="hangUp",
        description="After the last line: hangUp ends the call, listen stays silent until the "
        "caller hangs up, repeat begins again. Default hangUp, so that no call lasts for ever.",
    )


Dialogue = Annotated[ParcelDesk | Scripted, Field(discriminator="kind")]


def transfers_used(dialogue: ParcelDesk | Scripted) -> list[str]:
    """The names of the transfers that `dialogue` may ask for."""
    if isinstance(dialogue, ParcelDesk):
        used = [dialogue.person]
    else:
        used = [line.transfer for line in dialogue.script]
    return [name for name in used if name is not None]
