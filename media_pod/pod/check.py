"""`interject check`: tries everything that an agent needs, before any call does.

Each part is tried by itself, so that one run finds all that is wrong.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from media_pod.dialogues.realtime.check import RealtimeCheck
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.dialogues.registry import (
    AgentPrompts,
    hold_music,
    make_dialogue,
    make_own_audio,
)
from media_pod.errors import InterjectError
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.conversation import RecordingSettings
from media_pod.manifest.pipecat import PipecatSettings
from media_pod.manifest.tools import HoldToolSettings
from media_pod.providers.registry import ProviderRegistry
from media_pod.providers.secret_values import SecretReader
from media_pod.providers.tts.fixed_speech import FixedSpeech
from media_pod.tools.registry import tool_makers

CHECK_S: Final = 30.0
"""For one part, its start included: a local model takes seconds to load."""

_logger = logging.getLogger(__name__)


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
    """Try the parts of an agent, each within `CHECK_S`; one or more findings for each, in
    order.

    Args:
        spec: of the agent, valid.
        folder: what paths in it are relative to.
        environ: of the process, for secrets.
    """
    secrets = SecretReader(environ)
    registry = ProviderRegistry(spec, folder, secrets, time.monotonic)
    for path, load in _local_parts(spec, folder):
        for finding in _loaded(path, load):
            yield finding
    if spec.realtime is not None or isinstance(spec.dialogue, PipecatSettings):
        path = "spec.dialogue" if spec.realtime is None else "spec.realtime"
        make_own = partial(_make_own_audio_check, spec, folder, secrets)
        for finding in await _tried(path, make_own):
            yield finding
    tools = {f"spec.tools[{number}]": make for number, make in tool_makers(spec, secrets).items()}
    for makers in (registry.llm_makers(), registry.stt_makers(), registry.tts_makers(), tools):
        for path, make in makers.items():
            for finding in await _tried(path, make):
                yield finding


def _make_own_audio_check(spec: AgentSpec, folder: Path, secrets: SecretReader) -> _Part:
    made = make_own_audio(spec, folder, secrets)
    assert made is not None, "asked for where the manifest has it"
    return RealtimeCheck(made) if isinstance(made, RealtimeServer) else made


def _local_parts(spec: AgentSpec, folder: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    if spec.dialogue is not None:
        if not isinstance(spec.dialogue, PipecatSettings):
            yield "spec.dialogue", partial(_load_dialogue, spec, folder)
    else:
        yield "spec.instructions", partial(_load_prompts, spec)
        for number, tool in enumerate(spec.tools):
            if isinstance(tool, HoldToolSettings):
                yield f"spec.tools[{number}].music", partial(_load_music, spec, folder)
    for number, recording in enumerate(spec.recordings):
        path = f"spec.recordings[{number}].play"
        yield path, partial(_load_recording, recording, spec.line.rate_hz, folder)


def _load_dialogue(spec: AgentSpec, folder: Path) -> str:
    make_dialogue(spec, folder)
    return ""


def _load_prompts(spec: AgentSpec) -> str:
    AgentPrompts(spec, datetime.now)
    return "templates are valid"


def _load_music(spec: AgentSpec, folder: Path) -> str:
    hold_music(spec, folder)
    return ""


def _load_recording(recording: RecordingSettings, rate_hz: int, folder: Path) -> str:
    FixedSpeech((), rate_hz).record([recording], folder)
    return f"{recording.play} is read"


def _loaded(path: str, load: Callable[[], str]) -> list[Finding]:
    """The findings of a part that is local; none if there is nothing to say."""
    try:
        text = load()
    except InterjectError as error:
        return _problems(path, error)
    return [Finding(path, text)] if text else []


async def _tried(path: str, make: Callable[[], _Part]) -> list[Finding]:
    part: _Part | None = None
    try:
        async with asyncio.timeout(CHECK_S):
            part = make()
            await part.start()
            return [Finding(path, line) for line in (await part.check()).splitlines()]
    except InterjectError as error:
        return _problems(path, error)
    except TimeoutError:
        return [Finding(path, f"found no answer within {CHECK_S:g} s", is_problem=True)]
    except Exception as error:  # the edge at which a part's bug stops: the others are tried too
        _logger.exception("%s failed", path)
        return [Finding(path, f"found {type(error).__name__}: {error}", is_problem=True)]
    finally:
        if part is not None:
            await _close(path, part)


async def _close(path: str, part: _Part) -> None:
    try:
        async with asyncio.timeout(CHECK_S):
            await part.aclose()
    except Exception:  # the edge at which a part's bug stops: the others are tried too
        _logger.exception("%s failed when it was closed", path)


def _problems(path: str, error: InterjectError) -> list[Finding]:
    """One for each line of a message, which may begin with a path of its own."""
    found: list[Finding] = []
    for line in str(error).splitlines():
        before, colon, after = line.partition(": ")
        own = colon and before.startswith("spec.")
        found.append(Finding(before, after, True) if own else Finding(path, line, True))
    return found
