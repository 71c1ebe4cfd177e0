"""The VoiceAgent: one document that describes one agent.

The pod, the operator and the CRD all read these models; dialogues are in spec_dialogue.py, what a
cluster alone needs in spec_cluster.py. On the wire keys are camelCase; unknown keys, wrong types
and values out of range are refused. A path in a document is relative to the folder of the file that
the document came from.
"""

from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from media_pod.manifest.cluster import Autoscaling, NetworkAccess, PodTemplate
from media_pod.manifest.dialogue import Dialogue, transfers_used
from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.server import Server
from media_pod.manifest.telephony import Telephony
from media_pod.manifest.types import (
    AGENT_NAME_PATTERN,
    AGENT_NAME_WORDS,
    AgentName,
    DnsLabel,
    HttpUrl,
    ImageName,
    VoiceName,
)
from media_pod.manifest.validation import SpecError, StrictModel, describe


class Metadata(StrictModel):
    """What Kubernetes keeps about the object, as far as it is written by hand."""

    name: AgentName = Field(
        description="Name of the agent, a DNS label that begins with a letter, because Kubernetes "
        "names its children by it; at most 52 characters, because theirs are longer."
    )
    namespace: DnsLabel | None = Field(
        default=None,
        description="Namespace in a cluster; a laptop ignores it. Default: the current one.",
    )
    labels: dict[str, str] = Field(
        default={}, description="Kubernetes labels, text to text; a laptop ignores them."
    )
    annotations: dict[str, str] = Field(
        default={},
        description="Kubernetes annotations, text to text; a laptop ignores them.",
    )


class Speech(StrictModel):
    """The agent's voice."""

    voice: VoiceName = Field(
        default="en-us",
        description="Voice of the built-in espeak-ng, by its name there. Default en-us: the "
        "language that the built-in recognizer and parcel desk have.",
    )
    words_per_minute: int = Field(
        default=175,
        ge=80,
        le=400,
        description="Speed of the voice in words per minute. Default 175, espeak-ng's own.",
    )


class BargeIn(StrictModel):
    """When and how the caller interrupts."""

    sensitivity: Literal["low", "normal", "high"] = Field(
        default="normal",
        description="How much evidence of the caller stops the bot: high stops soonest, low "
        "waits for more. Default normal: a fifth of a second of clear speech.",
    )
    pre_roll_ms: int = Field(
        default=300,
        ge=0,
        le=1000,
        description="Speech from before the onset that still reaches the recognizer, in ms. "
        "Default 300: an onset is noticed after the first syllable has begun.",
    )


class Turn(StrictModel):
    """When the caller's turn is over."""

    end_silence_ms: int = Field(
        default=700,
        ge=200,
        le=5000,
        description="Silence after speech that ends the caller's turn, in ms. Default 700: people "
        "pause up to about half a second inside a sentence or a number.",
    )
    max_utterance_ms: int = Field(
        default=15_000,
        ge=1000,
        le=60_000,
        description="Longest utterance before the agent answers anyway, in ms. Default 15000: "
        "longer is noise or a television, and the recognizer's buffer must end somewhere.",
    )
    no_input_ms: int = Field(
        default=8000,
        ge=1000,
        le=600_000,
        description="Silence of a caller whose turn it is, after which the agent is asked for "
        "something to say, in ms. Default 8000: long enough to look up a number, short enough "
        "that nobody thinks the line is dead.",
    )


class Line(StrictModel):
    """What the telephone line is like, and how it comes in."""

    transport: Literal["audioSocket", "webSocket"] = Field(
        default="audioSocket",
        description="How Asterisk hands audio over. audioSocket (application AudioSocket, Asterisk "
        "20.14, 22.4 and newer): nothing is queued behind the pod, so its pauses are heard. "
        "webSocket (Dial(WebSocket/...), Asterisk 20.18, 22.8 and newer): Asterisk plays a queue "
        "of 80 ms, which hides pauses of the pod and of the network up to that length, and is "
        "emptied when the caller interrupts; answers begin 80 ms later. Default audioSocket, which "
        "more Asterisks have and which needs less dialplan; webSocket where pods share their cores "
        "or are far from Asterisk. In a cluster it cannot change while the agent has extensions.",
    )
    rate_hz: Literal[8000, 16000] = Field(
        default=8000,
        description="Sampling rate of calls in Hz. Default 8000: what Asterisk's AudioSocket "
        "application sends and G.711 trunks carry. In a cluster it cannot change while "
        "the agent has extensions.",
    )
    max_echo_delay_ms: int = Field(
        default=1000,
        ge=100,
        le=1000,
        description="Longest echo delay that is searched for, in ms. Default 1000: two mobile "
        "legs and two jitter buffers stay below it; less saves a little time per tick.",
    )


class Capacity(StrictModel):
    """How many calls one pod takes."""

    calls: int = Field(
        default=100,
        ge=1,
        le=1000,
        description="Calls (slots) of one pod. Default 100: about what one core carries when "
        "everybody talks; `interject bench tick` measures yours.",
    )
    reservation_seconds: int = Field(
        default=10,
        ge=1,
        le=120,
        description="How long a slot waits for its call's audio connection, in seconds. Default "
        "10: Asterisk connects within a second, and gives up a connection after two.",
    )


class Deadlines(StrictModel):
    """How long anyone else may keep a call waiting."""

    uuid_ms: int = Field(
        default=2000,
        ge=100,
        le=30_000,
        description="From a connection's start to its UUID, in ms. Default 2000: Asterisk sends "
        "it with its first packet.",
    )
    stall_ms: int = Field(
        default=5000,
        ge=500,
        le=60_000,
        description="How long a peer may take none of our audio, or leave a frame half sent, in "
        "ms. Default 5000: longer than a network hiccup; Asterisk itself gives up after 2 s.",
    )
    provider_seconds: float = Field(
        default=8.0,
        ge=0.5,
        le=60.0,
        description="How long speech or dialogue may take for its next result, in seconds. "
        "Default 8: callers hang up on a longer silence.",
    )
    goodbye_ms: int = Field(
        default=1000,
        ge=50,
        le=10_000,
        description="From our hang-up frame to Asterisk's end of file, in ms, before we close. "
        "Default 1000: it answers within a few.",
    )


class Drain(StrictModel):
    """How a pod leaves."""

    timeout_seconds: int = Field(
        default=900,
        ge=0,
        le=86_400,
        description="How long running calls may go on once the pod drains, in seconds. Default "
        "900: nearly every call to an agent is over in a quarter of an hour.",
    )


class Telemetry(StrictModel):
    """Where traces go, and what is in them."""

    otlp_endpoint: HttpUrl = Field(
        default="",
        description="Base URL of an OTLP/HTTP collector, such as http://collector:4318; "
        "/v1/traces is added. Default empty: the standard OTEL_EXPORTER_OTLP_* variables decide, "
        "and without them nothing is traced.",
    )
    sample_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of the calls that are traced, from 0 to 1. A call in which something "
        "failed, or in which the bot stopped and nothing was recognized, is traced in any case. "
        "Default 1: a call costs some 10 kB, and the one that is complained of is there.",
    )
    content: bool = Field(
        default=False,
        description="Whether traces have what callers and the bot say, up to 1000 characters each. "
        "Default false: it is personal data, and whoever reads traces could read it.",
    )


class AgentSpec(StrictModel):
    """The agent itself."""

    dialogue: Dialogue = Field(
        description="What the agent says, by kind. No default: it is what makes the agent."
    )
    speech: Speech = Field(default=Speech(), description="The agent's voice.")
    barge_in: BargeIn = Field(default=BargeIn(), description="When and how the caller interrupts.")
    turn: Turn = Field(default=Turn(), description="When the caller's turn is over.")
    line: Line = Field(default=Line(), description="What the telephone line is like.")
    capacity: Capacity = Field(default=Capacity(), description="How many calls one pod takes.")
    server: Server = Field(default=Server(), description="Where a pod listens.")
    deadlines: Deadlines = Field(default=Deadlines(), description="How long others may take.")
    drain: Drain = Field(default=Drain(), description="How a pod leaves.")
    telephony: Telephony = Field(
        default=Telephony(), description="How calls come to the agent, and how they leave it."
    )
    telemetry: Telemetry = Field(
        default=Telemetry(), description="Where traces go, and what is in them."
    )
    replicas: int = Field(
        default=2,
        ge=0,
        le=1000,
        description="Pods in a cluster; kubectl scale and the autoscaler write it. "
        "Default 2: one may be lost without a caller who finds nobody.",
    )
    image: ImageName = Field(
        default="",
        description="Container image of the pods. Default empty: the one that the operator was "
        "installed with, which has its version.",
    )
    autoscaling: Autoscaling = Field(
        default=Autoscaling(), description="How the number of pods follows the number of calls."
    )
    network: NetworkAccess = Field(
        default=NetworkAccess(), description="Who may connect to the pods in a cluster."
    )
    pod_template: PodTemplate = Field(
        default=PodTemplate(), description="Whatever else the pods should have in a cluster."
    )

    model_config = in_cluster(
        Rule(
            "!has(self.dialogue.person)"
            " || self.telephony.transfers.exists(t, t.name == self.dialogue.person)",
            found="transfer {self.dialogue.person} in dialogue, and in telephony.transfers "
            "{self.telephony.transfers.map(t, t.name)}",
            allowed="a name of telephony.transfers",
            field=".dialogue.person",
        ),
        Rule(
            "!has(self.dialogue.script) || self.dialogue.script.all(line, !has(line.transfer)"
            " || self.telephony.transfers.exists(t, t.name == line.transfer))",
            found="transfer {self.dialogue.script.filter(line, has(line.transfer)"
            " && !self.telephony.transfers.exists(t, t.name == line.transfer))[0].transfer}"
            " in dialogue, and in telephony.transfers {self.telephony.transfers.map(t, t.name)}",
            allowed="a name of telephony.transfers",
            field=".dialogue.script",
        ),
        # The dialplan behind an extension says how audio is carried and at what rate. While pods
        # of the old and the new kind are there together, it is wrong for some of them, and their
        # callers, new ones and those whose pod died, would find nobody.
        Rule(
            "oldSelf.telephony.extensions.size() == 0"
            " || (self.line.transport == oldSelf.line.transport"
            " && self.line.rateHz == oldSelf.line.rateHz)",
            found="line changed from {oldSelf.line.transport} at {oldSelf.line.rateHz} Hz"
            " to {self.line.transport} at {self.line.rateHz} Hz while the agent has"
            " extensions",
            allowed="another transport or rateHz if telephony.extensions was empty before: empty "
            "it, wait until the last call is over, then change the line and list the extensions "
            "again; or make a second VoiceAgent, and let it take the extensions over",
            field=".line",
        ),
    )

    @model_validator(mode="after")
    def _transfers_exist(self) -> Self:
        names = [transfer.name for transfer in self.telephony.transfers]
        for name in transfers_used(self.dialogue):
            if name not in names:
                raise PydanticCustomError(
                    "clash",
                    "found transfer {name} in dialogue; allowed: a name of telephony.transfers "
                    "({names})",
                    {"name": name, "names": ", ".join(names) or "which is empty"},
                )
        return self


class VoiceAgent(StrictModel):
    """One agent, as `kubectl apply` and `interject serve` take it."""

    api_version: Literal["interject.dev/v1alpha1"] = Field(
        description="Version of this document's form."
    )
    kind: Literal["VoiceAgent"] = Field(description="Always VoiceAgent.")
    metadata: Metadata = Field(description="Name and labels of the agent.")
    spec: AgentSpec = Field(description="The agent itself.")

    model_config = in_cluster(
        Rule(
            f"self.metadata.name.matches('{AGENT_NAME_PATTERN}')",
            found="{self.metadata.name}",
            allowed=AGENT_NAME_WORDS,
            field=".metadata.name",
        )
    )


def load_manifest(data: object, source: str) -> VoiceAgent:
    """The VoiceAgent in `data`, a parsed YAML or JSON document that came from `source`.

    Raises:
        SpecError: the document is not a VoiceAgent; the message lists every problem. A document
            of another kind or version gets that one problem, not all that follow from it.
    """
    try:
        return VoiceAgent.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        problems = describe(errors, VoiceAgent)
    heads = tuple(p for p in problems if p.startswith(("apiVersion:", "kind:")))
    raise SpecError(source, heads or problems)
