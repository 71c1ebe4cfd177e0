"""What all calls of an agent share: models, recognizers, voices, tools, fixed sentences."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from datetime import datetime
from pathlib import Path

from media_pod.dialogues.ports import DialogueFactory
from media_pod.dialogues.registry import AgentPrompts, make_dialogue, make_own_audio
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.tools import HttpToolSettings, McpToolSettings
from media_pod.providers.builtin.espeak import EspeakTts
from media_pod.providers.ports import ProviderError, Speech
from media_pod.providers.registry import ProviderRegistry
from media_pod.providers.secret_values import SecretReader
from media_pod.providers.tts.fixed_speech import FixedSpeech
from media_pod.tools.registry import make_tool_sources


class TextServices:
    """What a conversation in text needs: models and tools.

    Args:
        spec: of the agent.
        folder: what paths in it are relative to.
        environ: of the process, for secrets.
        now: monotonic time in seconds.

    Raises:
        SetupError: a secret, a package, a file or a template is missing or invalid.
        ProviderError: a setting that a provider does not support.
    """

    def __init__(
        self,
        spec: AgentSpec,
        folder: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._folder = folder
        self.secrets = secrets = SecretReader(environ)
        self._registry = ProviderRegistry(spec, folder, secrets, now)
        self.llm = self._registry.make_llm()
        self.own_audio = make_own_audio(spec, folder, secrets)
        self.sources = make_tool_sources(spec, secrets)

    def make_dialogue(self, spec: AgentSpec, folder: Path) -> DialogueFactory:
        """The dialogue factory of `spec`, this manifest or a reloaded one. Raises SetupError."""
        return make_dialogue(spec, folder, self.llm, self.sources, self.own_audio)

    async def start(self) -> None:
        """Start everything.

        Raises:
            SetupError: a package or a file is missing.
            ProviderError: a process or a model does not start.
        """
        if self.llm is not None:
            await self.llm.start()
        if self.own_audio is not None:
            await self.own_audio.start()
        for source in self.sources:
            await source.start()

    async def aclose(self) -> None:
        """Release everything."""
        for source in self.sources:
            await source.aclose()
        if self.llm is not None:
            await self.llm.aclose()
        if self.own_audio is not None:
            await self.own_audio.aclose()


class AgentServices(TextServices):
    """What all calls of an agent share; as `TextServices`, with recognizers and voices."""

    def __init__(
        self,
        spec: AgentSpec,
        folder: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(spec, folder, environ=environ, now=now)
        self.stt, self.tts = self._registry.make_stt(), self._registry.make_tts()
        self._greeting = _fixed_greeting(spec)
        self.fixed = FixedSpeech({*_fixed_texts(spec), self._greeting}, spec.line.rate_hz)

    async def start(self) -> None:
        """See `TextServices.start`."""
        await super().start()
        if self.own_audio is None:  # else the dialogue hears by itself
            await self.stt.start()
        await self.tts.start()
        await asyncio.to_thread(self.fixed.record, self._spec.recordings, self._folder)
        if self._greeting:
            with suppress(ProviderError):  # logged; the first call synthesizes it
                await self.fixed.prepare(self._greeting, self.tts.providers)

    async def prepared(self, text: str) -> tuple[Speech, ...]:
        """Speech of a sentence that has to be there when providers fail.

        Raises:
            ProviderError: not even the built-in voice can speak it.
        """
        with suppress(ProviderError):  # logged; the agent's own voice may speak it later
            return await self.fixed.prepare(text, self.tts.providers)
        builtin = EspeakTts(self._spec.line.rate_hz)
        try:
            async with aclosing(builtin.speak(text)) as spoken:
                return tuple([speech async for speech in spoken])
        finally:
            await builtin.aclose()

    async def aclose(self) -> None:
        """Release everything."""
        await super().aclose()
        await self.tts.aclose()
        await self.stt.aclose()


def _fixed_texts(spec: AgentSpec) -> set[str]:
    phrases = spec.phrases.model_dump().values()
    fillers = [
        tool.filler for tool in spec.tools if isinstance(tool, HttpToolSettings | McpToolSettings)
    ]
    return {text for text in [*phrases, *fillers] if text}


def _fixed_greeting(spec: AgentSpec) -> str:
    """The greeting of calls that override no variable; "" if it differs from call to call."""
    return AgentPrompts(spec, datetime.now).fixed_greeting if spec.llm is not None else ""
