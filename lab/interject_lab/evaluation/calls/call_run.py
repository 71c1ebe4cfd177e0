"""A scenario as a whole call: stand-ins, a pod of its own, a telephone on a simulated line."""

import asyncio
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import aiohttp
import numpy as np
import yaml

from interject_lab.call_record import CallRecord
from interject_lab.errors import LabError
from interject_lab.evaluation.calls.call_conversation import conversation_of
from interject_lab.evaluation.calls.call_log import CallLog
from interject_lab.evaluation.calls.caller_voice import caller_speech
from interject_lab.evaluation.calls.scripted_caller import ScriptedCaller
from interject_lab.evaluation.calls.spoken_speech import load_speech
from interject_lab.evaluation.conversation import SeenConversation
from interject_lab.evaluation.scenario.document import Scenario, ScenarioCall
from interject_lab.evaluation.stand_ins.agent_document import for_calls
from interject_lab.evaluation.stand_ins.recognizer import stand_in_recognizer
from interject_lab.evaluation.stand_ins.servers import start_stand_ins
from interject_lab.evaluation.stand_ins.spoken_words import CallerWords
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import PATHS
from interject_lab.recorder.pod_process import PodProcess, late_ticks, running_pod
from interject_lab.recorder.recorder import Recording, load
from interject_lab.telephones.phone import Phone, ask_call_start
from media_pod.errors import SetupError
from media_pod.manifest.agent import VoiceAgent
from media_pod.providers.builtin.espeak import synthesize

SEED: Final = 1
_MODULE: Final = "interject_lab.evaluation.calls.eval_pod"
_BOT_TEXT: Final = "This is what the echo of a bot is set by: a voice that reads some sentence."


@dataclass(frozen=True, slots=True)
class CallPlaces:
    """Where the files of one scenario are."""

    agent: Path
    """Folder that paths in the agent's document are relative to."""
    scenario: Path
    """The same of the scenario's."""
    work: Path
    """For the files of this run; exists."""


@dataclass(frozen=True, slots=True)
class Voices:
    """Who is heard, and who hears."""

    caller: Path | None
    """A Piper voice; None for espeak-ng."""
    bot_by_espeak: bool
    """The built-in voice is in place of the agent's own."""
    stand_in_recognizer: bool
    """One that knows what the caller says is in place of the agent's own."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioCallResult:
    """One call."""

    conversation: SeenConversation
    record: CallRecord
    recording: Recording
    late_ticks: int


async def converse_by_call(
    scenario: Scenario,
    agent: VoiceAgent,
    places: CallPlaces,
    voices: Voices,
    ready: Callable[[], Awaitable[None]],
    on_elapsed: Callable[[float], None],
) -> ScenarioCallResult:
    """Run the scenario.

    Args:
        scenario: what is said.
        agent: with whom.
        places: of its files.
        voices: the caller's and the bot's.
        ready: awaited between the start of the pod and the call.
        on_elapsed: receives the seconds since the start of the call, once a second.

    Raises:
        InterjectError: the pod did not start, or the call did not come about.
    """
    rate_hz, log, words = agent.spec.line.rate_hz, CallLog(), CallerWords()
    speech = await caller_speech(scenario.steps, places.scenario, rate_hz, voices.caller)
    scripted = ScriptedCaller(scenario.steps, speech, rate_hz, log, words)
    async with AsyncExitStack() as stack:
        prepared, model = await start_stand_ins(stack, scenario, agent)
        own = await _for_call(stack, prepared, voices, words)
        line = await asyncio.to_thread(_line, scenario, rate_hz)
        phone = Phone(line, scripted, max_s=scenario.limit_seconds, progress=on_elapsed)
        async with _pod(own, places, log) as pod:
            await ready()
            uuid = uuid4()
            record = await _called(pod, phone, scenario.call, uuid)
            late = await _late_ticks(pod, record)
    pieces = await asyncio.to_thread(load_speech, places.work)
    recordings = await asyncio.to_thread(load, places.work)
    seen = conversation_of(scenario, scripted, log, record, pieces, model)
    return ScenarioCallResult(seen, record, recordings[str(uuid)], late)


async def _for_call(
    stack: AsyncExitStack, agent: VoiceAgent, voices: Voices, words: CallerWords
) -> VoiceAgent:
    """The agent on free ports, with the stand-in for its recognizer, which `stack` stops."""
    address = ""
    if voices.stand_in_recognizer:
        serving = stand_in_recognizer(words, agent.spec.language)
        address = await stack.enter_async_context(serving)
    return for_calls(agent, address, espeak=voices.bot_by_espeak)


async def _called(pod: PodProcess, phone: Phone, call: ScenarioCall, uuid: UUID) -> CallRecord:
    host, port = await ask_call_start(
        pod.api,
        uuid,
        from_number=call.caller,
        to_number=call.called,
        variables=call.variables,
    )
    return await phone.call(host, port, uuid)


async def _late_ticks(pod: PodProcess, record: CallRecord) -> int:
    try:
        return await late_ticks(pod.api)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise LabError(f"the pod does not answer after the call ({record.ended})") from error


@asynccontextmanager
async def _pod(agent: VoiceAgent, places: CallPlaces, log: CallLog) -> AsyncIterator[PodProcess]:
    """A running pod, whose reports go to `log`; at the end all of them have."""
    manifest, pod_log = places.work / "agent.yaml", places.work / "pod.log"
    document = yaml.safe_dump(agent.model_dump(mode="json", exclude_none=True))
    await asyncio.to_thread(manifest.write_text, document)
    files = map(str, (manifest, places.agent, places.work))
    reading: asyncio.Task[None] | None = None
    try:
        async with running_pod((sys.executable, "-m", _MODULE, *files), pod_log) as pod:
            reading = asyncio.create_task(log.read(pod.output), name="reports of a pod")
            yield pod
        await reading
    except SetupError as error:
        # Not the error's own text, which names a log that is gone by the time it is read.
        what = "did not start" if reading is None else "failed"
        reason = await asyncio.to_thread(_last_line, pod_log)
        raise SetupError(f"the pod {what}: {reason}") from error
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it is empty")


def _line(scenario: Scenario, rate_hz: int) -> TelephoneLine:
    settings, rng = scenario.line, np.random.default_rng(SEED)
    sample = [piece.pcm for piece in synthesize(_BOT_TEXT, rate_hz)]
    return TelephoneLine(
        rate_hz,
        PATHS[settings.path](rng, rate_hz),
        erl_db=math.inf if settings.erl_db is None else settings.erl_db,
        delays=[DelayStep(0.0, settings.delay_ms)],
        bot_speech=np.concatenate(sample),
        noise_dbfs=settings.noise_dbfs,
        rng=rng,
    )
