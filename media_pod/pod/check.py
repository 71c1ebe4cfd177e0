"""`interject check`: tries everything that an agent needs, before any call does.

Each part is tried by itself, so that one run finds all that is wrong.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from media_pod.dialogues.realtime.check import RealtimeCheck
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.dialogues.registry import AgentPrompts, make_dialogue, make_own_audio
from media_pod.errors import InterjectError
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.providers.chain import ProviderChain
from media_pod.providers.chat import Llm
from media_pod.providers.registry import ProviderRegistry
from media_pod.providers.secret_values import SecretReader
from media_pod.providers.tts.fixed_speech import FixedSpeech
from media_pod.tools.registry import make_tool_sources

CHECK_S: Final = 30.0
"""For one part, its start included: a local model takes seconds to load."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one part."""

    path: str
    """In the document."""
    text: str
    """What was found; of a problem also what is allowed."""
    is_problem: bool = False


class _Part(Protocol):
    async def start(self) -> None: ...

    async def check(self) -> str: ...

    async def aclose(self) -> None: ...


async def check_agent(
    spec: AgentSpec, folder: Path, environ: Mapping[str, str]
) -> AsyncGenerator[Finding, None]:
    """Try the parts of an agent, each within `CHECK_S`; one finding for each, in order.

    Args:
        spec: of the agent, valid.
        folder: what paths in it are relative to.
        environ: of the process, for secrets.
    """
    secrets = SecretReader(environ)
    registry = ProviderRegistry(spec, folder, secrets, time.monotonic)
    for path, load in (("spec", _load_texts), ("spec.recordings", _load_recordings)):
        if finding := _loaded(path, partial(load, spec, folder)):
            yield finding
    if spec.realtime is not None or isinstance(spec.dialogue, PipecatSettings):
        path = "spec.dialogue" if spec.realtime is None else "spec.realtime"
        yield await _tried(path, partial(_make_own_audio_check, spec, folder, secrets))
    for makers in (registry.llm_makers(), registry.stt_makers(), registry.tts_makers()):
        for path, make in makers.items():
            yield await _tried(path, make)
    try:
        sources = make_tool_sources(spec, secrets)
    except InterjectError as error:
        yield Finding("spec.tools", str(error), is_problem=True)
        return
    for source in sources:
        yield await _tried("spec.tools", partial(_same, source))


def _make_own_audio_check(spec: AgentSpec, folder: Path, secrets: SecretReader) -> _Part:
    made = make_own_audio(spec, folder, secrets)
    assert made is not None, "asked for where the manifest has it"
    return RealtimeCheck(made) if isinstance(made, RealtimeServer) else made


def _same(part: _Part) -> _Part:
    return part


def _load_texts(spec: AgentSpec, folder: Path) -> str:
    if isinstance(spec.dialogue, PipecatSettings):
        return ""
    if spec.dialogue is not None:
        make_dialogue(spec, folder)
        return ""
    if spec.realtime is not None:
        AgentPrompts(spec, datetime.now)
        return "templates are valid"
    models: Sequence[Llm] = ()
    make_dialogue(spec, folder, ProviderChain("llm", models, CHECK_S, time.monotonic))
    return "templates are valid"


def _load_recordings(spec: AgentSpec, folder: Path) -> str:
    FixedSpeech((), spec.line.rate_hz).record(spec.recordings, folder)
    return f"{len(spec.recordings)} read" if spec.recordings else ""


def _loaded(path: str, load: Callable[[], str]) -> Finding | None:
    """The finding of a part that is local; None if there is nothing to say."""
    try:
        text = load()
    except InterjectError as error:
        return Finding(path, str(error), is_problem=True)
    return Finding(path, text) if text else None


async def _tried(path: str, make: Callable[[], _Part]) -> Finding:
    part: _Part | None = None
    try:
        async with asyncio.timeout(CHECK_S):
            part = make()
            await part.start()
            return Finding(path, await part.check())
    except InterjectError as error:
        return Finding(path, str(error), is_problem=True)
    except TimeoutError:
        return Finding(path, f"found no answer within {CHECK_S:g} s", is_problem=True)
    finally:
        if part is not None:
            await part.aclose()
