"""The dialogues without a model: one settings class per `kind`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.pipecat import PipecatSettings
from media_pod.manifest.rules import Rule, absolute_in_cluster, in_cluster
from media_pod.manifest.types import DnsLabel, SpokenText
from media_pod.manifest.validation import StrictModel


class ParcelDeskSettings(StrictModel):
    """The built-in parcel desk. It asks for a tracking number and can change the address."""

    kind: Literal["parcelDesk"] = Field(
        default="parcelDesk", description="The rule-based parcel desk."
    )
    person: DnsLabel | None = Field(
        default=None,
        description="Name of the transfer for callers who ask for a person or press 0. Default "
        "none: the desk answers that no person is available.",
    )


class ScriptLine(StrictModel):
    """One step of a script: text, a recording or a transfer, and the pause after it."""

    say: SpokenText | None = Field(
        default=None, description="Text to speak. Exactly one of say, play and transfer."
    )
    play: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="Path of a WAV file to play, relative to this document. In a cluster it must "
        "be absolute: a file of the image, or of a volume in podTemplate. Exactly one of say, play "
        "and transfer.",
    )
    transfer: DnsLabel | None = Field(
        default=None,
        description="Name of the transfer to send the caller to; the agent's part of the call "
        "ends. Exactly one of say, play and transfer.",
    )
    pause_ms: int = Field(
        default=500,
        ge=0,
        le=60_000,
        description="Pause after the line, in ms. Default 500: about the pause that a reader "
        "makes between sentences.",
    )

    model_config = in_cluster(
        Rule(
            "(has(self.say) ? 1 : 0) + (has(self.play) ? 1 : 0) + (has(self.transfer) ? 1 : 0)"
            " == 1",
            found="{has(self.say) ? (has(self.play) ? (has(self.transfer)"
            " ? 'say and play and transfer' : 'say and play') : 'say and transfer')"
            " : has(self.play) ? 'play and transfer' : 'none'}",
            allowed="exactly one of say, play and transfer",
        ),
        absolute_in_cluster("play"),
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


class ScriptedSettings(StrictModel):
    """Speaks a fixed script, regardless of what the caller says; a barge-in still stops it."""

    kind: Literal["scripted"] = Field(description="A fixed script, for measurements and tests.")
    script: tuple[ScriptLine, ...] = Field(
        strict=False,  # YAML and JSON have lists, not tuples; the lines themselves stay strict
        min_length=1,
        max_length=1000,
        description="The lines, in order.",
    )
    at_end: Literal["hangUp", "listen", "repeat"] = Field(
        default="hangUp",
        description="What happens after the last line: hangUp ends the call, listen stays silent "
        "until the caller hangs up, repeat starts again. Default hangUp, which bounds the length "
        "of a call.",
    )


Dialogue = Annotated[
    ParcelDeskSettings | ScriptedSettings | PipecatSettings, Field(discriminator="kind")
]


def transfers_used(
    dialogue: ParcelDeskSettings | ScriptedSettings | PipecatSettings | None,
) -> list[str]:
    """Names of the transfers that `dialogue` refers to."""
    match dialogue:
        case ParcelDeskSettings():
            used = [dialogue.person]
        case ScriptedSettings():
            used = [line.transfer for line in dialogue.script]
        case PipecatSettings() | None:
            used = []
    return [name for name in used if name is not None]
