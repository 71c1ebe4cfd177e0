"""Settings of numbers that the caller keys in DTMF."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.validation import StrictModel

_LEAST: Final = "least at most most"


class DigitsSettings(StrictModel):
    """A number that the caller keys in DTMF, and what ends it."""

    gap_ms: int = Field(
        default=3000,
        ge=500,
        le=20_000,
        description="Time without a key that ends a number, in ms; speech meanwhile does not. "
        "Digits that come over the beginning of the answer, within as long, still join the number. "
        "Default 3000: people take up to 2.5 s between the groups of a number that they read from "
        "a card.",
    )
    least: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Fewest digits of a number, most at most. While they are missing, the caller "
        "has turn.noInputMs for the next one. Default 1.",
    )
    most: int = Field(
        default=64,
        ge=1,
        le=64,
        description="Most digits of a number, which ends it at once; set 1 for a menu. A number "
        "that the model asked for by collect_digits has the length that it asked for. Default 64: "
        "twice the length of account and tracking numbers.",
    )
    terminator: Literal["#", "*", ""] = Field(
        default="#",
        description="Key that ends a number at once and is no part of it; empty for none. Default "
        "#: what telephone systems ask for.",
    )

    model_config = in_cluster(
        Rule(
            "self.least <= self.most",
            found="least {self.least} and most {self.most}",
            allowed=_LEAST,
            field=".least",
        )
    )

    @model_validator(mode="after")
    def _least_fits(self) -> Self:
        if self.least > self.most:
            raise PydanticCustomError(
                "clash",
                "found least {least} and most {most}; allowed: " + _LEAST,
                {"least": self.least, "most": self.most},
            )
        return self
