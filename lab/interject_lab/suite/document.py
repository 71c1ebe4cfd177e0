"""The description of a suite: how many calls, and the mix that each is drawn from.

A suite is a YAML document. Every key has a default, and the defaults together are the mix of the
default suite: what telephone lines do, as reported by their users, no milder. A suite for one
condition sets only what differs. Keys are camelCase; unknown keys, wrong types and values out of
range are errors, as in a VoiceAgent.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from interject_lab.call_record import SoundKind
from interject_lab.material.material import BackgroundKind, EventKind
from interject_lab.network.impairments import LowRate
from media_pod.errors import SetupError
from media_pod.manifest.types import DnsLabel
from media_pod.manifest.validation import SpecError, StrictModel, describe
from media_pod.manifest.yaml_document import FileKind, read_yaml

PathChoice = Literal["hybrid", "room", "measured", "tap"]
"""Source of the echo: a telephone hybrid, a made room, a measured room, one tap."""

_KIND: Final = FileKind("suite", one_each="put each suite in its own file")
_SHIPPED: Final = resources.files("interject_lab.suite") / "suites"


def _within(low: float, high: float) -> AfterValidator:
    def check(span: tuple[float, float]) -> tuple[float, float]:
        if not low <= span[0] <= span[1] <= high:
            raise PydanticCustomError(
                "clash",
                "found {found}; allowed: two numbers in order, {allowed}",
                {"found": f"{span[0]:g} to {span[1]:g}", "allowed": f"{low:g} to {high:g}"},
            )
        return span

    return AfterValidator(check)


Share = Annotated[float, Field(ge=0, le=1)]
_Span = Annotated[tuple[float, float], Field(strict=False)]
Weight = Annotated[float, Field(ge=0, le=1000)]


def _some(weights: dict[str, float]) -> dict[str, float]:
    if not sum(weights.values()):
        raise PydanticCustomError("clash", "found no weight above 0; at least one is needed")
    return weights


class DelayMix(StrictModel):
    """The echo's delay, and how it changes."""

    ms: Annotated[_Span, _within(0, 2000)] = Field(
        default=(20, 1000), description="Delay at the start, in ms."
    )
    log_share: Share = Field(
        default=0.5, description="Share of calls whose delay is log-uniform; the rest is uniform."
    )
    steps_per_minute: Annotated[_Span, _within(0, 60)] = Field(
        default=(1, 1), description="Steps of the delay per minute in calls that have any."
    )
    step_share: Share = Field(default=0.2, description="Share of calls with steps.")
    step_ms: Annotated[_Span, _within(1, 1000)] = Field(
        default=(20, 200),
        description="Size of a step, up or down, in ms; less where the delay would leave 20 to "
        "1000 ms, or its range here.",
    )
    drift_share: Share = Field(default=0.4, description="Share of calls with clock drift.")
    drift_ppm: Annotated[_Span, _within(-1000, 1000)] = Field(
        default=(-300, 300), description="Drift of the caller's clock, in ppm."
    )


class LineMix(StrictModel):
    """The line of a call."""

    erl_db: Annotated[_Span, _within(0, 80)] = Field(
        default=(6, 50), description="Echo return loss on the bot's own voice, in dB, uniform."
    )
    delay: DelayMix = DelayMix()
    paths: Annotated[dict[PathChoice, Weight], AfterValidator(_some)] = Field(
        default={"hybrid": 40, "room": 35, "measured": 15, "tap": 10},
        description="Weights of the kinds of echo path.",
    )
    noise_dbfs: Annotated[_Span, _within(-120, -10)] = Field(
        default=(-75, -45), description="Level of the background, in dBFS, uniform."
    )
    backgrounds: Annotated[dict[BackgroundKind, Weight], AfterValidator(_some)] = Field(
        default={
            "white": 25, "pink": 25, "hum": 5, "street": 10, "babble": 5, "music": 3,
            "recorded": 27,
        },
        description="Weights of the kinds of background.",
    )  # fmt: skip
    loss_share: Share = Field(default=0.15, description="Share of calls that lose frames.")
    loss: Annotated[_Span, _within(0, 0.2)] = Field(
        default=(0.002, 0.03), description="Share of the caller's frames that such a call loses."
    )
    loss_filled_share: Share = Field(
        default=0.5,
        description="Share of those calls whose lost frames are filled with zeros; in the others "
        "they vanish, and the stream slips.",
    )
    low_rate_share: Share = Field(
        default=0.1, description="Share of calls over a low-rate codec, both ways."
    )
    low_rates: Annotated[dict[LowRate, Weight], AfterValidator(_some)] = Field(
        default={"gsm": 2, "amr_4750": 1, "amr_7950": 1, "amr_12200": 1},
        description="Weights of the low-rate codecs.",
    )
    carrier_canceller_share: Share = Field(
        default=0.08, description="Share of calls with a canceller of the carrier."
    )
    overdrive_share: Share = Field(
        default=0.15, description="Share of calls with an overdriven loudspeaker."
    )


class BotMix(StrictModel):
    """The bot of a call."""

    level_dbfs: Annotated[_Span, _within(-60, -5)] = Field(
        default=(-24, -16), description="Active level, in dBFS."
    )
    utterance_seconds: Annotated[_Span, _within(1, 30)] = Field(
        default=(3.5, 8), description="Duration of an utterance, in s."
    )


class CallerMix(StrictModel):
    """The caller of a call, and the sounds around the telephone."""

    level_dbfs: Annotated[_Span, _within(-70, -5)] = Field(
        default=(-34, -18),
        description="Active level of speech, in dBFS; each phrase is up to 2 dB off it.",
    )
    least_over_noise_db: float = Field(
        default=12, ge=0, le=60, description="Least active level over the background, in dB."
    )
    in_the_field_share: Share = Field(
        default=0.5,
        description="Share of calls whose caller sounds recorded in a room, with hiss.",
    )
    events: Annotated[dict[SoundKind, Weight], AfterValidator(_some)] = Field(
        default={"none": 30, "interruption": 35, "backchannel": 15, "noise": 15, "answer": 5},
        description="Weights of what happens during an utterance of the bot.",
    )
    noises: Annotated[dict[EventKind, Weight], AfterValidator(_some)] = Field(
        default={
            "cough": 2, "sneeze": 1, "dog": 1, "door": 1, "baby": 1, "rooster": 1, "keyboard": 1,
            "knock": 1,
        },
        description="Weights of the noises.",
    )  # fmt: skip
    noise_level_dbfs: Annotated[_Span, _within(-70, -5)] = Field(
        default=(-36, -18), description="Active level of a noise, in dBFS."
    )
    event_after_seconds: Annotated[_Span, _within(0, 30)] = Field(
        default=(0.3, 4),
        description="When a sound begins after the start of the bot's utterance, in s.",
    )


class Suite(StrictModel):
    """A suite of calls."""

    name: DnsLabel = Field(description="Name, for results and seeds.")
    description: Annotated[str, Field(max_length=500)] = Field(
        default="", description="What it is about."
    )
    calls: int = Field(default=192, ge=1, le=100_000, description="Number of calls.")
    seconds: float = Field(default=60, ge=5, le=3600, description="Duration of a call, in s.")
    line: LineMix = LineMix()
    bot: BotMix = BotMix()
    caller: CallerMix = CallerMix()


def shipped_suites() -> tuple[str, ...]:
    """The names of the suites that the lab ships."""
    return tuple(
        sorted(
            file.name.removesuffix(".yaml")
            for file in _SHIPPED.iterdir()
            if file.name.endswith(".yaml")
        )
    )


def read_suite(name: str) -> Suite:
    """A shipped suite by its name, or one from a file by its path.

    Raises:
        SetupError: no such suite or file.
        SpecError: the document is not a valid suite; the message lists every problem.
    """
    path = Path(name)
    if name in shipped_suites():
        with resources.as_file(_SHIPPED / f"{name}.yaml") as shipped:
            return _load(read_yaml(shipped, _KIND), name)
    if path.suffix not in (".yaml", ".yml"):
        known = ", ".join(shipped_suites())
        raise SetupError(f"no suite {name!r}: give one of {known}, or the path of a .yaml file")
    return _load(read_yaml(path, _KIND), name)


def _load(data: object, source: str) -> Suite:
    try:
        return Suite.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        raise SpecError(source, describe(errors, Suite)) from None
