"""Creates the providers of a manifest; each kind's package is imported only if it is used."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.providers import (
    EspeakTtsSettings,
    OpenAiLlmSettings,
    OpenAiSttSettings,
    OpenAiTtsSettings,
    PiperTtsSettings,
    PocketsphinxSttSettings,
    WhisperSttSettings,
    WyomingSttSettings,
    WyomingTtsSettings,
)
from media_pod.providers.chain import ProviderChain
from media_pod.providers.chat import Llm
from media_pod.providers.ports import Provider, Stt, Tts
from media_pod.providers.requests import RequestKind
from media_pod.providers.secret_values import SecretReader

AnySttSettings = (
    PocketsphinxSttSettings | WhisperSttSettings | WyomingSttSettings | OpenAiSttSettings
)
AnyTtsSettings = EspeakTtsSettings | PiperTtsSettings | WyomingTtsSettings | OpenAiTtsSettings

S = TypeVar("S")
ProviderT = TypeVar("ProviderT", bound=Provider)

Makers = Mapping[str, Callable[[], ProviderT]]


class ProviderRegistry:
    """Makes the providers of one manifest.

    Args:
        spec: the manifest's.
        folder: what paths in it are relative to.
        secrets: reads the secrets that it refers to.
        now: monotonic time in seconds.
    """

    def __init__(
        self, spec: AgentSpec, folder: Path, secrets: SecretReader, now: Callable[[], float]
    ) -> None:
        self._spec = spec
        self._folder = folder
        self._secrets = secrets
        self._now = now
        self._deadline_s = spec.deadlines.provider_seconds

    def make_llm(self) -> ProviderChain[Llm] | None:
        """The language models; None if the manifest has none. Raises as `make_stt`."""
        makers = self.llm_makers()
        return self._chain("llm", makers) if makers else None

    def make_stt(self) -> ProviderChain[Stt]:
        """The recognizers.

        Raises:
            SetupError: a secret, a package or a file is missing.
            ProviderError: a setting that the provider does not support.
        """
        return self._chain("stt", self.stt_makers())

    def make_tts(self) -> ProviderChain[Tts]:
        """The voices. Raises as `make_stt`."""
        return self._chain("tts", self.tts_makers())

    def llm_makers(self) -> Makers[Llm]:
        """What makes each language model, by its path in the document; {} if there is none."""
        llm = self._spec.llm
        if llm is None:
            return {}
        return _makers("llm", self._llm, llm, llm.fallbacks)

    def stt_makers(self) -> Makers[Stt]:
        """What makes each recognizer, by its path in the document."""
        return _makers("stt", self._stt, self._spec.stt, self._spec.stt.fallbacks)

    def tts_makers(self) -> Makers[Tts]:
        """What makes each voice, by its path in the document."""
        return _makers("tts", self._tts, self._spec.tts, self._spec.tts.fallbacks)

    def _chain(self, kind: RequestKind, makers: Makers[ProviderT]) -> ProviderChain[ProviderT]:
        made = [make() for make in makers.values()]
        return ProviderChain(kind, made, self._deadline_s, self._now)

    def _llm(self, settings: OpenAiLlmSettings, path: str) -> Llm:
        from media_pod.providers.openai.chat import OpenAiLlm

        read_key = self._key_reader(settings, path)
        return OpenAiLlm(settings, read_key(), self._deadline_s, read_key)

    def _stt(self, settings: AnySttSettings, path: str) -> Stt:
        rate_hz, deadline_s = self._spec.line.rate_hz, self._deadline_s
        language = self._spec.language
        match settings:
            case PocketsphinxSttSettings():
                from media_pod.providers.builtin.sphinx import SphinxStt

                cpus = len(os.sched_getaffinity(0))
                processes = settings.processes_for(self._spec.capacity.calls)
                return SphinxStt(rate_hz, min(cpus, processes), deadline_s)
            case WhisperSttSettings():
                from media_pod.providers.whisper.stt import WhisperStt

                return WhisperStt(settings, self._folder, rate_hz, language, deadline_s)
            case WyomingSttSettings():
                from media_pod.providers.wyoming.stt import WyomingStt

                return WyomingStt(settings, rate_hz, language, deadline_s)
            case OpenAiSttSettings():
                from media_pod.providers.openai.transcription import OpenAiStt

                read_key = self._key_reader(settings, path)
                return OpenAiStt(settings, read_key(), rate_hz, language, deadline_s, read_key)

    def _tts(self, settings: AnyTtsSettings, path: str) -> Tts:
        rate_hz, deadline_s = self._spec.line.rate_hz, self._deadline_s
        language = self._spec.language
        match settings:
            case EspeakTtsSettings():
                from media_pod.providers.builtin.espeak import EspeakTts

                return EspeakTts(rate_hz, settings.voice, settings.words_per_minute)
            case PiperTtsSettings():
                from media_pod.providers.piper.tts import PiperTts

                return PiperTts(settings, self._folder, rate_hz, language, deadline_s)
            case WyomingTtsSettings():
                from media_pod.providers.wyoming.tts import WyomingTts

                return WyomingTts(settings, rate_hz, language, deadline_s)
            case OpenAiTtsSettings():
                from media_pod.providers.openai.speech import OpenAiTts

                read_key = self._key_reader(settings, path)
                return OpenAiTts(settings, read_key(), rate_hz, language, deadline_s, read_key)

    def _key_reader(
        self, settings: OpenAiLlmSettings | OpenAiSttSettings | OpenAiTtsSettings, path: str
    ) -> Callable[[], str | None]:
        return partial(self._secrets.value, settings.api_key, f"{path}.apiKey")


def _makers(
    name: str, make: Callable[[S, str], ProviderT], first: S, fallbacks: Sequence[S]
) -> Makers[ProviderT]:
    paths = [f"spec.{name}", *(f"spec.{name}.fallbacks[{i}]" for i in range(len(fallbacks)))]
    return {
        path: partial(make, settings, path)
        for path, settings in zip(paths, [first, *fallbacks], strict=True)
    }
