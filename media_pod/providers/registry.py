"""Creates the speech providers of a manifest."""

from media_pod.manifest.agent import AgentSpec
from media_pod.providers.builtin.espeak import EspeakTts
from media_pod.providers.builtin.sphinx import SphinxStt


def make_tts(spec: AgentSpec) -> EspeakTts:
    """The agent's voice. Raises as `EspeakTts`."""
    return EspeakTts(spec.line.rate_hz, spec.speech.voice, spec.speech.words_per_minute)


def make_stt(spec: AgentSpec) -> SphinxStt:
    """The agent's recognizer. Raises as `SphinxStt`."""
    return SphinxStt(spec.line.rate_hz, deadline_seconds=spec.deadlines.provider_seconds)
