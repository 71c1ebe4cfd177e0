"""The VoiceAgent: one document that describes one agent.

The pod, the operator and the CRD share these models. providers.py has the language model, the
recognizer and the voice, realtime.py the speech-to-speech model, tools.py what a model may do,
digits.py keyed numbers, conversation.py the first words, limits and phrases, dialogue.py the
dialogues without a model, operation.py how a pod runs, server.py the ports, telephony.py the
extensions and transfers, cluster.py what only a cluster uses.
Keys are camelCase in documents; unknown keys, wrong types and values out of range are errors. A
path in a document is relative to the folder of the document's file.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from media_pod.manifest.agent_rules import SPEC_RULES, check_mind, check_transfers
from media_pod.manifest.cluster import Autoscaling, Eviction, NetworkAccess, PodTemplate
from media_pod.manifest.conversation import (
    GreetingSettings,
    LimitsSettings,
    PhrasesSettings,
    RecordingSettings,
    Variables,
)
from media_pod.manifest.dialogue import Dialogue
from media_pod.manifest.digits import DigitsSettings
from media_pod.manifest.operation import (
    CapacitySettings,
    DeadlinesSettings,
    DrainSettings,
    TelemetrySettings,
)
from media_pod.manifest.providers import (
    LlmSettings,
    PrimaryEspeakTtsSettings,
    PrimaryPocketsphinxSttSettings,
    SttSettings,
    TtsSettings,
)
from media_pod.manifest.realtime import OpenAiRealtimeSettings
from media_pod.manifest.rules import Rule, in_cluster
from media_pod.manifest.server import ServerSettings
from media_pod.manifest.telephony import TelephonySettings
from media_pod.manifest.tools import Tools
from media_pod.manifest.types import (
    AGENT_NAME_PATTERN,
    AGENT_NAME_WORDS,
    AgentName,
    DnsLabel,
    EachOnce,
    ImageName,
    LanguageTag,
    Template,
)
from media_pod.manifest.validation import SpecError, StrictModel, describe


class Metadata(StrictModel):
    """The part of Kubernetes' object metadata that users write."""

    name: AgentName = Field(
        description="Name of the agent. A DNS label that begins with a letter, because Services "
        "are named after it; at most 52 characters, which leaves room for their suffixes."
    )
    namespace: DnsLabel | None = Field(
        default=None,
        description="Kubernetes namespace; ignored outside a cluster. Default: the current one.",
    )
    labels: dict[str, str] = Field(
        default={}, description="Kubernetes labels; ignored outside a cluster."
    )
    annotations: dict[str, str] = Field(
        default={},
        description="Kubernetes annotations; ignored outside a cluster.",
    )


class BargeInSettings(StrictModel):
    """How the caller interrupts the bot (barge-in)."""

    sensitivity: Literal["low", "normal", "high"] = Field(
        default="normal",
        description="How much evidence of caller speech stops the bot. high stops soonest; low "
        "needs more evidence and has fewer false stops. Default normal: chosen on simulated "
        "calls, see docs/explanation/measurements.md.",
    )
    backchannels: Literal["keep", "stop"] = Field(
        default="keep",
        description="What a short `mm hmm` or `yes` over the bot does. keep: the bot is 15 dB "
        "quieter meanwhile, and goes on. stop: any speech of the caller stops the bot at once. "
        "Default keep: people also say such words to show that they listen, and a bot that stops "
        "for each loses its sentence. Choose stop where one word is an order, as in a menu.",
    )
    pre_roll_ms: int = Field(
        default=300,
        ge=0,
        le=1000,
        description="Audio from before the detected onset that the recognizer also receives, in "
        "ms. Default 300: detection lags behind the first syllable.",
    )


class TurnSettings(StrictModel):
    """When the caller's turn ends (endpointing)."""

    end_silence_ms: int = Field(
        default=700,
        ge=200,
        le=5000,
        description="Silence that ends the caller's turn if the words so far do not tell, in ms. "
        "Default 700: people pause for up to about 500 ms inside a sentence or a number.",
    )
    min_silence_ms: int = Field(
        default=350,
        ge=200,
        le=5000,
        description="Silence that ends a turn whose words are complete: a finished sentence, the "
        "expected number of digits; in ms, endSilenceMs at most. Needs a recognizer with partial "
        "transcripts. Default 350: the gap between two speakers of a conversation is 200 ms, and a "
        "recognizer lags behind.",
    )
    max_silence_ms: int = Field(
        default=2500,
        ge=200,
        le=20_000,
        description="Silence that ends a turn of which more is expected: digits that are missing, "
        "`my number is`; in ms, endSilenceMs at least. Default 2500: people look numbers up.",
    )
    early_reply: bool = Field(
        default=True,
        description="Prepare an answer in a pause of minSilenceMs already, which is likely the end "
        "of the turn; nothing of it is heard, and no tool is called, before the turn is over. A "
        "caller who goes on throws it away. Default true: answers come up to endSilenceMs - "
        "minSilenceMs sooner, for the tokens of the answers that are thrown away. With llm.",
    )
    max_utterance_ms: int = Field(
        default=15_000,
        ge=1000,
        le=60_000,
        description="Maximum length of an utterance, in ms; the agent then answers without "
        "waiting for silence. Default 15000: longer input is usually noise or a television, and "
        "the recognizer's buffer is bounded.",
    )
    no_input_ms: int = Field(
        default=8000,
        ge=1000,
        le=600_000,
        description="No-input timeout in ms: caller silence after which the agent speaks again. "
        "Default 8000: long enough to look up a number, short enough that the line does not seem "
        "dead.",
    )
    digits: DigitsSettings = Field(
        default=DigitsSettings(), description="A number in DTMF, and what ends it."
    )


class LineSettings(StrictModel):
    """The audio connection to Asterisk, and the line behind it."""

    transport: Literal["audioSocket", "webSocket"] = Field(
        default="audioSocket",
        description="Audio protocol between Asterisk and the pod. audioSocket (application "
        "AudioSocket, Asterisk 20.14+ or 22.4+) has no playout buffer in Asterisk, so a stall of "
        "the pod is audible. webSocket (Dial(WebSocket/...), Asterisk 20.18+ or 22.8+) keeps 80 ms "
        "queued in Asterisk, which hides stalls of the pod or the network up to that length; the "
        "queue is flushed on barge-in, and answers start 80 ms later. Default audioSocket, which "
        "more Asterisk versions support and which needs less dialplan; use webSocket where pods "
        "share cores or are far from Asterisk. Immutable in a cluster while the agent has "
        "extensions.",
    )
    rate_hz: Literal[8000, 16000] = Field(
        default=8000,
        description="Sample rate of calls in Hz. Default 8000: the rate of Asterisk's AudioSocket "
        "application and of G.711 trunks. Immutable in a cluster while the agent has extensions.",
    )
    max_echo_delay_ms: int = Field(
        default=1000,
        ge=100,
        le=1000,
        description="Longest echo delay that the tracker searches, in ms. Default 1000: two "
        "mobile legs and two jitter buffers stay below it; a lower value saves a little CPU per "
        "tick.",
    )
    echo_canceller: Literal["kalman", "webRtc"] = Field(
        default="kalman",
        description="Echo canceller: kalman (all calls in one step; takes 3 dB less of a caller "
        "who speaks over the bot, and costs less from some thirty calls on) or webRtc (one object "
        "per call; costs less for a few calls). Default kalman, with which the judge has learned.",
    )


class AgentSpec(StrictModel):
    """Desired state of the agent."""

    instructions: Template | None = Field(
        default=None,
        description="What the agent is and how it behaves: the model's system prompt, a template "
        "over the call's variables. Required with llm and with realtime.",
    )
    greeting: GreetingSettings = Field(
        default=GreetingSettings(), description="The first words of a call, with llm or realtime."
    )
    variables: Variables = Field(
        default={},
        description="Variables for the templates, with their defaults. A dialplan overrides them "
        "by ?var.NAME=value in its request to call-start. Always there: caller, called, date, "
        "time, weekday.",
    )
    language: LanguageTag = Field(
        default="en-US",
        description="Language of the conversation, a BCP 47 tag. Recognizers and voices may have "
        "their own. Default en-US.",
    )
    llm: LlmSettings | None = Field(
        default=None,
        description="The language model that decides what the agent says and does. Exactly one of "
        "llm, realtime and dialogue.",
    )
    realtime: OpenAiRealtimeSettings | None = Field(
        default=None,
        description="A speech-to-speech model in place of llm, stt and most of tts, which still "
        "speaks fixed sentences. Exactly one of llm, realtime and dialogue.",
    )
    dialogue: Dialogue | None = Field(
        default=None,
        description="A dialogue without a model, selected by kind. Exactly one of llm, realtime "
        "and dialogue.",
    )
    stt: SttSettings = Field(
        default=PrimaryPocketsphinxSttSettings(kind="pocketsphinx"),
        description="Speech recognition, selected by kind. Default pocketsphinx: built in.",
    )
    tts: TtsSettings = Field(
        default=PrimaryEspeakTtsSettings(),
        description="The agent's voice, selected by kind. Default espeak: built in.",
    )
    recordings: Annotated[
        tuple[RecordingSettings, ...],
        Field(strict=False, min_length=0, max_length=200),
        EachOnce(by="text"),
    ] = Field(
        default=(),
        description="Sentences that were recorded, such as the greeting. Default none.",
    )
    tools: Tools = Field(
        default=(),
        description="What the model may do beside talking, each selected by kind. Default nothing.",
    )
    limits: LimitsSettings = Field(
        default=LimitsSettings(), description="When the agent ends a conversation by itself."
    )
    phrases: PhrasesSettings = Field(default=PhrasesSettings(), description="Fixed sentences.")
    barge_in: BargeInSettings = Field(
        default=BargeInSettings(), description="How the caller interrupts."
    )
    turn: TurnSettings = Field(default=TurnSettings(), description="When the caller's turn ends.")
    line: LineSettings = Field(
        default=LineSettings(), description="The audio connection to Asterisk."
    )
    capacity: CapacitySettings = Field(
        default=CapacitySettings(), description="How many concurrent calls one pod takes."
    )
    server: ServerSettings = Field(
        default=ServerSettings(), description="Addresses and ports of a pod."
    )
    deadlines: DeadlinesSettings = Field(
        default=DeadlinesSettings(), description="Timeouts for peers and providers."
    )
    drain: DrainSettings = Field(default=DrainSettings(), description="How a pod shuts down.")
    telephony: TelephonySettings = Field(
        default=TelephonySettings(),
        description="Extensions that reach the agent, and transfers out.",
    )
    telemetry: TelemetrySettings = Field(
        default=TelemetrySettings(), description="Where traces go and what they contain."
    )
    replicas: int = Field(
        default=2,
        ge=0,
        le=1000,
        description="Number of pods; kubectl scale and the autoscaler write this field. Default "
        "2: new calls are still answered when one pod is lost.",
    )
    image: ImageName = Field(
        default="",
        description="Container image of the pods. Default empty: the image that the operator was "
        "installed with, which matches its version.",
    )
    autoscaling: Autoscaling = Field(
        default=Autoscaling(), description="How the number of pods follows the number of calls."
    )
    eviction: Eviction = Field(
        default="afterCalls",
        description="Whether Kubernetes may evict the pods from their nodes. afterCalls: one pod "
        "at a time, also the only one; it drains, so the drain of its node waits until its calls "
        "have ended, for drain.timeoutSeconds at most; node autoscalers (Cluster Autoscaler, "
        "Karpenter) leave pods with calls alone. never: evictions are refused, and the drain of a "
        "node does not end before its pods are deleted. always: as afterCalls, and node "
        "autoscalers may also evict pods with calls, which they may end sooner than "
        "drain.timeoutSeconds. Default afterCalls: calls delay the maintenance of a node, and "
        "idle pods do not.",
    )
    network: NetworkAccess = Field(
        default=NetworkAccess(), description="Which peers may connect to the pods."
    )
    pod_template: PodTemplate = Field(
        default=PodTemplate(), description="Overrides of the operator's pod template."
    )

    model_config = in_cluster(*SPEC_RULES)

    @model_validator(mode="after")
    def _one_mind(self) -> Self:
        check_mind(self)
        return self

    @model_validator(mode="after")
    def _transfers_exist(self) -> Self:
        check_transfers(self)
        return self


class VoiceAgent(StrictModel):
    """A voice agent, as `kubectl apply` and `interject serve` accept it."""

    api_version: Literal["interject.dev/v1alpha1"] = Field(
        description="Version of this document's schema."
    )
    kind: Literal["VoiceAgent"] = Field(description="Always VoiceAgent.")
    metadata: Metadata = Field(description="Name and labels of the agent.")
    spec: AgentSpec = Field(description="Desired state of the agent.")

    model_config = in_cluster(
        Rule(
            f"self.metadata.name.matches('{AGENT_NAME_PATTERN}')",
            found="{self.metadata.name}",
            allowed=AGENT_NAME_WORDS,
            field=".metadata.name",
        )
    )


def load_manifest(data: object, source: str) -> VoiceAgent:
    """Validate `data`, a parsed YAML or JSON document read from `source`.

    Raises:
        SpecError: the document is not a VoiceAgent; the message lists every problem. For a document
            of another kind or version it lists that problem alone, not those that follow from it.
    """
    try:
        return VoiceAgent.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        problems = describe(errors, VoiceAgent)
    heads = tuple(p for p in problems if p.startswith(("apiVersion:", "kind:")))
    raise SpecError(source, heads or problems)
