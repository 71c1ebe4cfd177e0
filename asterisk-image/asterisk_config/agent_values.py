"""Models of agents, fallbacks, queues and timeouts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.texts import AgentName, HostPort, Name, Number, SoundName
from media_pod.manifest.types import DialplanPlace, NumberOrPattern
from media_pod.manifest.validation import StrictModel


class EndCall(StrictModel):
    """Ends the call with cause 42 (congestion): the caller's exchange can try another route."""

    kind: Literal["hangup"] = Field(default="hangup", description="End the call.")


class ToExtension(StrictModel):
    """Sends the caller to another extension of the dialplan."""

    kind: Literal["extension"] = Field(description="Continue at another extension.")
    destination: DialplanPlace = Field(
        description="The extension, as context,extension,priority. No default."
    )


class ToQueue(StrictModel):
    """Puts the caller into a call queue."""

    kind: Literal["queue"] = Field(description="Enter a call queue.")
    queue: Name = Field(description="Name of one of the queues. No default.")


class Message(StrictModel):
    """Plays a sound, then ends the call."""

    kind: Literal["message"] = Field(description="Play a sound and hang up.")
    sound: SoundName = Field(
        description="Sound file below Asterisk's sounds directory, without its extension. No "
        "default."
    )


Fallback = Annotated[EndCall | ToExtension | ToQueue | Message, Field(discriminator="kind")]

Apis = Annotated[tuple[HostPort, ...], Field(strict=False, min_length=1, max_length=8)]


class DialplanAgent(StrictModel):
    """One agent: a context of the dialplan that connects callers to its media pods."""

    name: AgentName = Field(
        description="Name of the agent; its dialplan context is interject-NAME. No default."
    )
    extensions: tuple[NumberOrPattern, ...] = Field(
        default=(),
        strict=False,
        max_length=64,
        description="Numbers and Asterisk patterns to dial for the agent. Default none: trunks and "
        "transfers can refer to the agent without a number.",
    )
    api: Apis | None = Field(
        default=None,
        description="HTTP API of this agent's media pods, 1 to 8 of HOST:PORT. Default: the global "
        "api.",
    )
    transport: Literal["audioSocket", "webSocket"] = Field(
        default="audioSocket",
        description="Media transport, the same as the agent's line.transport. Default audioSocket: "
        "no buffering. webSocket: Asterisk buffers 80 ms, which hides pauses of a busy pod.",
    )
    rate_hz: Literal[8000, 16000] = Field(
        default=8000,
        description="Sampling rate of the audio in Hz, the same as the agent's line.rateHz. "
        "Default 8000: the rate of telephone trunks.",
    )
    dialplan: Literal["failover", "seed"] = Field(
        default="failover",
        description="failover: queries the API for a pod at the start and whenever a connection "
        "ends. seed: the usual short dialplan for AudioSocket servers; a call is lost with its "
        "pod. Default failover.",
    )
    audio_socket: HostPort | None = Field(
        default=None,
        description="HOST:PORT that the seed dialplan connects to. Default: the host of the "
        "first API with port 3000, as in common dialplans. failover gets the address from the API.",
    )
    jitter_buffer: Literal["off", "adaptive", "fixed"] | None = Field(
        default=None,
        description="Jitter buffer in front of the agent. Default off, because it delays every "
        "response by 40 to 200 ms; adaptive recovers reordered packets of an internet trunk. "
        "Default with seed: adaptive, as usual for that dialplan.",
    )
    transfers: tuple[DialplanPlace, ...] = Field(
        default=(),
        strict=False,
        max_length=64,
        description="Extensions to which the agent may transfer a caller, each "
        "context,extension,priority. Default none: a pod can only reach listed extensions.",
    )
    fallback: Fallback | None = Field(
        default=None,
        description="Destination of a call that no pod accepts. Default: the global fallback.",
    )

    @model_validator(mode="after")
    def _check_dialplan(self) -> Self:
        if self.dialplan == "seed" and (self.transport, self.rate_hz) != ("audioSocket", 8000):
            raise PydanticCustomError(
                "clash",
                "found dialplan seed with {transport} at {rate} Hz; "
                "allowed: seed with audioSocket at 8000 Hz, or failover",
                {"transport": self.transport, "rate": self.rate_hz},
            )
        if self.dialplan != "seed" and self.audio_socket is not None:
            raise PydanticCustomError(
                "clash", "found audioSocket with dialplan failover; allowed: with dialplan seed"
            )
        return self

    @property
    def buffer(self) -> str:
        """The effective jitter buffer, "" for none."""
        usual = "adaptive" if self.dialplan == "seed" else "off"
        buffer = self.jitter_buffer or usual
        return "" if buffer == "off" else buffer

    @property
    def context(self) -> str:
        """The agent's context in the dialplan."""
        return f"interject-{self.name}"


class Queue(StrictModel):
    """A call queue; all its phones ring until one answers."""

    name: Name = Field(description="Name of the queue. No default.")
    extension: Number | None = Field(
        default=None,
        description="Number to dial for the queue from phones. Default none: agents and fallbacks "
        "refer to the queue by name.",
    )
    members: tuple[str, ...] = Field(
        strict=False,
        min_length=1,
        max_length=64,
        description="Names of the phones in the queue, 1 to 64. No default.",
    )
    wait_seconds: int = Field(
        default=300,
        ge=5,
        le=7200,
        description="Maximum waiting time in seconds, after which the call ends. Default 300: few "
        "callers wait longer.",
    )


class Timeouts(StrictModel):
    """Timeouts and retries of a call."""

    connect_seconds: float = Field(
        default=0.5,
        ge=0.05,
        le=10.0,
        description="Connect timeout of the API in seconds. Default 0.5: limits the delay that a "
        "dead pod causes before the next one is tried.",
    )
    request_seconds: float = Field(
        default=1.5,
        ge=0.1,
        le=30.0,
        description="Timeout of a whole API request in seconds. Default 1.5: a pod waits up to one "
        "second for its peers before it answers.",
    )
    tries: int = Field(
        default=3,
        ge=1,
        le=24,
        description="Attempts per API request, over the addresses in turn; each address is tried "
        "at least once. Default 3.",
    )
    pause_seconds: float = Field(
        default=0.2,
        ge=0.0,
        le=10.0,
        description="Pause in seconds after each round over the addresses. Default 0.2: a full pod "
        "frees a slot every few seconds, and callers soon take silence for a dead line.",
    )
    connections: int = Field(
        default=4,
        ge=1,
        le=20,
        description="Consecutive short-lived connections to pods before the fallback. Default 4: "
        "one for a crashed pod, one for a pod being replaced, and two spare.",
    )
    lasted_seconds: int = Field(
        default=10,
        ge=1,
        le=3600,
        description="Duration in seconds after which a connection no longer counts as short-lived. "
        "Default 10: a pod that crashes on every call does so sooner.",
    )
    ring_seconds: int = Field(
        default=30,
        ge=5,
        le=300,
        description="Ring timeout of a phone in seconds. Default 30: about six rings.",
    )
