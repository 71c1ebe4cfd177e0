"""What the values say about agents: the numbers that reach them, and how their calls go."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.texts import AgentName, HostPort, Name, Number, SoundName
from media_pod.manifest.types import DialplanPlace, NumberOrPattern
from media_pod.manifest.validation import StrictModel


class HangUp(StrictModel):
    """Ends the call with cause 42, congestion: callers' exchanges may try another way."""

    kind: Literal["hangup"] = Field(default="hangup", description="End the call.")


class ToExtension(StrictModel):
    """Sends the caller to another place in the dialplan."""

    kind: Literal["extension"] = Field(description="Go on at another extension.")
    destination: DialplanPlace = Field(
        description="Where, as context,extension,priority. No default: it is what was chosen."
    )


class ToQueue(StrictModel):
    """Puts the caller into a queue of phones."""

    kind: Literal["queue"] = Field(description="Wait in a queue.")
    queue: Name = Field(description="Name of one of the queues. No default.")


class Message(StrictModel):
    """Plays a sound, then ends the call."""

    kind: Literal["message"] = Field(description="Play a sound and hang up.")
    sound: SoundName = Field(
        description="The sound, without its ending, below Asterisk's folder of sounds. No default."
    )


Fallback = Annotated[HangUp | ToExtension | ToQueue | Message, Field(discriminator="kind")]

Apis = Annotated[tuple[HostPort, ...], Field(strict=False, min_length=1, max_length=8)]


class Agent(StrictModel):
    """One agent: a context of the dialplan that connects callers to its media pods."""

    name: AgentName = Field(
        description="Name of the agent; its context is interject-NAME. No default: it is what "
        "everything else refers to."
    )
    extensions: tuple[NumberOrPattern, ...] = Field(
        default=(),
        strict=False,
        max_length=64,
        description="Numbers and Asterisk patterns that reach the agent. Default none: a trunk "
        "may name the agent, and other agents may hand over to it.",
    )
    api: Apis | None = Field(
        default=None,
        description="Where this agent's pods answer /api/call-start, 1 to 8 of HOST:PORT. "
        "Default: the api of all agents.",
    )
    transport: Literal["audioSocket", "webSocket"] = Field(
        default="audioSocket",
        description="How audio travels, the same as the agent's line.transport. Default "
        "audioSocket: nothing is queued on the way. webSocket: Asterisk plays a queue of 80 ms, "
        "which hides the pauses of a busy pod.",
    )
    rate_hz: Literal[8000, 16000] = Field(
        default=8000,
        description="Sampling rate of the audio in Hz, the same as the agent's line.rateHz. "
        "Default 8000: what telephone trunks carry.",
    )
    dialplan: Literal["failover", "seed"] = Field(
        default="failover",
        description="failover asks the API who takes the call, and again whenever a connection "
        "ends; seed is the short dialplan that AudioSocket servers are usually given, and a lost "
        "pod loses the call. Default failover.",
    )
    audio_socket: HostPort | None = Field(
        default=None,
        description="HOST:PORT that the seed dialplan connects to. Default: the host of the "
        "first API with port 3000, as in common dialplans. Other dialplans are told by the API.",
    )
    jitter_buffer: Literal["off", "adaptive", "fixed"] | None = Field(
        default=None,
        description="Jitter buffer before the agent. Default off, as it adds 40 to 200 ms to "
        "every answer, where adaptive rescues reordered packets of an internet trunk; with seed "
        "adaptive, as that dialplan is usually written.",
    )
    transfers: tuple[DialplanPlace, ...] = Field(
        default=(),
        strict=False,
        max_length=64,
        description="Where the agent may send a caller, each context,extension,priority. Default "
        "nowhere: a pod must not reach what nobody listed.",
    )
    fallback: Fallback | None = Field(
        default=None,
        description="What happens to a caller whom no pod takes. Default: the fallback of all.",
    )

    @model_validator(mode="after")
    def _seed_is_audio_socket(self) -> Self:
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
        """The jitter buffer in use, "" for none."""
        usual = "adaptive" if self.dialplan == "seed" else "off"
        buffer = self.jitter_buffer or usual
        return "" if buffer == "off" else buffer

    @property
    def context(self) -> str:
        """The agent's context in the dialplan."""
        return f"interject-{self.name}"


class Queue(StrictModel):
    """Phones that ring together until one answers."""

    name: Name = Field(description="Name of the queue. No default.")
    extension: Number | None = Field(
        default=None,
        description="Number that reaches the queue from phones. Default none: "
        "agents and fallbacks reach it by its name.",
    )
    members: tuple[str, ...] = Field(
        strict=False,
        min_length=1,
        max_length=64,
        description="Names of the phones that ring, 1 to 64. No default.",
    )
    wait_seconds: int = Field(
        default=300,
        ge=5,
        le=7200,
        description="Longest wait in seconds, after which the call ends. Default 300: few "
        "callers wait longer.",
    )


class Timeouts(StrictModel):
    """How long a caller may be kept waiting, and for whom."""

    connect_seconds: float = Field(
        default=0.5,
        ge=0.05,
        le=10.0,
        description="For a connection to the API, in seconds. Default 0.5: a dead pod must not "
        "cost more, so that the next one answers within half a second and a little.",
    )
    request_seconds: float = Field(
        default=1.5,
        ge=0.1,
        le=30.0,
        description="For a whole request to the API, in seconds. Default 1.5: a pod gives its "
        "peers one second before it answers.",
    )
    tries: int = Field(
        default=3,
        ge=1,
        le=24,
        description="Requests per question, one per address in turn; each address is asked at "
        "least once. Default 3.",
    )
    pause_seconds: float = Field(
        default=0.2,
        ge=0.0,
        le=10.0,
        description="Pause after each round over the addresses, in seconds. Default 0.2: a full "
        "pod has a free slot every few seconds, and silence soon sounds like a dead line.",
    )
    connections: int = Field(
        default=4,
        ge=1,
        le=20,
        description="Connections to pods in a row that do not last, before the fallback. Default "
        "4: one pod crashed, the next one was being replaced, and two to spare.",
    )
    lasted_seconds: int = Field(
        default=10,
        ge=1,
        le=3600,
        description="How long a connection goes on until it counts as one that lasted, in "
        "seconds. Default 10: a pod that crashes on every call does so sooner.",
    )
    ring_seconds: int = Field(
        default=30,
        ge=5,
        le=300,
        description="How long a phone rings, in seconds. Default 30: about six rings.",
    )
