"""What a call is given: the pod's providers, the manifest's settings, and every tick its caller."""

from dataclasses import dataclass
from typing import Literal

from media_pod.call.keypad import DigitSettings
from media_pod.call.response import TtsChain
from media_pod.dialogues.ports import DialogueFactory
from media_pod.dialogues.turn_taking.end_of_turn import SilenceSettings
from media_pod.duplex.contract import Decision, Reason
from media_pod.providers.ports import Pcm, Speech
from media_pod.providers.recognition import SttChain
from media_pod.providers.tts.fixed_speech import FixedSpeech

GreetingProtection = Literal["always", "afterLineLearned", "never"]
"""When the caller can interrupt the greeting."""


@dataclass(frozen=True, slots=True)
class Agents:
    """The providers of a pod, and what to say when one of them fails."""

    stt: SttChain
    dialogue: DialogueFactory
    tts: TtsChain
    fixed: FixedSpeech
    apology: tuple[Speech, ...]
    """Ready to play, because it is needed when nothing else works."""
    goodbye: tuple[Speech, ...]
    limit_goodbye: tuple[Speech, ...]
    """For a call that has lasted too long."""


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What a call takes from the manifest."""

    rate_hz: int
    pre_roll_ms: int
    silences: SilenceSettings
    early_reply_ms: int
    """Silence after which an answer is prepared; 0 for none before the turn is over."""
    max_utterance_ms: int
    no_input_ms: int
    digits: DigitSettings
    provider_s: float
    max_call_s: int
    greeting: GreetingProtection
    """Whether the caller can interrupt the greeting."""
    dialogue_close_s: float
    """How long the dialogue may take to end acts with effects, once the call is over."""


@dataclass(frozen=True, slots=True)
class CallerTick:
    """What one tick of the bank found out about one call's caller."""

    cleaned: Pcm
    speech: float
    decision: Decision
    reason: Reason
    delay_ms: float
    delay_confidence: float
    erle_db: float
    why: tuple[tuple[str, float], ...] = ()
    """See `Step.why`; empty but in the tick of a rise to CALLER."""
