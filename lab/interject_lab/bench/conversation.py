"""Whether streaming providers disturb the clock: beside the built-in ones, in one run.

A pod has one core; its callers and the providers share another. Half of the callers speak half of
the time, over the bot too, so that requests are made and cancelled all the time.
"""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import aiohttp
import yaml
from prometheus_client.parser import text_string_to_metric_families

from interject_lab.bench.phones import call_uuid
from interject_lab.bench.providers import SPEECH_RATE_HZ
from interject_lab.bench.tick import Cores, cores, end, line, start
from media_pod.errors import SetupError
from media_pod.manifest.agent import VoiceAgent, load_manifest
from media_pod.pod.runtime import ONE_THREAD

WARM_UP_S: Final = 8.0
SECTION: Final = "interject bench conversation"
_HTTP_S: Final = 5.0
_START_S: Final = 60.0
_STOP_S: Final = 20.0
_POLL_S: Final = 0.1
_SLACK_S: Final = 60.0
_HEADER: Final = (
    "providers",
    "calls",
    "requests a second: stt / llm / tts",
    "failed",
    "mean tick ms",
    "late ticks",
    "lateness over 5 ms",
    "frame interval off by ms p50 / p99",
    "gaps",
)
_SCRIPT: Final = "One two three four five six seven eight nine ten, and so on. " * 4


@dataclass(frozen=True, slots=True)
class Counters:
    """What a pod has counted at one moment."""

    values: dict[tuple[str, tuple[str, ...]], float]

    def of(self, name: str, *labels: str) -> float:
        """The value of a sample with these label values; 0 if there is none."""
        return self.values.get((name, labels), 0.0)


async def bench(calls: int, seconds: float, on_step: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure both arms, one after the other.

    Raises:
        SetupError: fewer than two cores, or a process failed.
    """
    chosen = cores()
    found = []
    for arm in ("built-in", "streaming"):
        on_step(f"providers: {arm}, {calls} calls: {WARM_UP_S:g} s to warm up, {seconds:g} s")
        found.append(await _arm(arm, chosen, calls, seconds))
    return found


def as_table(arms: Sequence[dict[str, Any]]) -> tuple[Sequence[str], list[list[str]]]:
    """Header and rows."""
    return _HEADER, [
        [
            arm["providers"],
            str(arm["calls"]),
            " / ".join(f"{arm['requests_per_s'][kind]:.1f}" for kind in ("stt", "llm", "tts")),
            str(arm["failed_requests"]),
            f"{arm['tick_mean_ms']:.2f}",
            f"{arm['late_ticks']} of {arm['ticks'] + arm['late_ticks']}",
            f"{arm['late_over_5_ms_percent']:.2f} %",
            " / ".join(
                f"{arm[f'frame_interval_deviation_{which}_ms']:.2f}" for which in ("p50", "p99")
            ),
            str(arm["frame_gaps"]),
        ]
        for arm in arms
    ]


async def _arm(arm: str, chosen: Cores, calls: int, seconds: float) -> dict[str, Any]:
    until_s = WARM_UP_S + seconds
    server = await start("providers")
    phones = await start("phones", calls, WARM_UP_S, until_s, chosen.phones)
    try:
        assert server.pid is not None
        os.sched_setaffinity(server.pid, {chosen.phones})
        port = (await line(server, "providers", _START_S))["port"]
        with tempfile.TemporaryDirectory() as folder:
            agent = _agent(arm, calls, port)
            async with _pod(agent, Path(folder), chosen.pod) as api:
                await _reserve(api, calls)
                assert phones.stdin is not None, "its input is a pipe"
                phones.stdin.write(f"{agent.spec.server.audio_socket_port}\n".encode())
                before, after = await _measured(api, seconds)
            regularity = await line(phones, "phones", _SLACK_S)
    finally:
        for process in (server, phones):
            await end(process)
    if not regularity["frames"]:
        raise SetupError("the bench's phones heard nothing: this machine is too busy for it")
    return _result(arm, calls, seconds, before, after) | regularity


@asynccontextmanager
async def _pod(agent: VoiceAgent, folder: Path, core: int) -> AsyncIterator[str]:
    """`interject serve` on one core: the URL of its API once it is ready."""
    manifest = folder / "agent.yaml"
    manifest.write_text(yaml.safe_dump(agent.model_dump(mode="json", exclude_none=True)))
    program = "from media_pod.cli import main; main()"
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, "serve", str(manifest)),
            stdout=log,
            stderr=log,
            env={**os.environ, **ONE_THREAD},
        )
    api = f"http://127.0.0.1:{agent.spec.server.http_port}"
    try:
        await _ready(api, process, folder / "log")
        # Not before: a recognizer's process would inherit it, and decode on the clock's core.
        os.sched_setaffinity(process.pid, {core})
        yield api
        process.terminate()
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ready(api: str, process: asyncio.subprocess.Process, log: Path) -> None:
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + _START_S
    async with _session() as session:
        while loop.time() < deadline_s and process.returncode is None:
            try:
                async with session.get(f"{api}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass  # it does not listen yet
            await asyncio.sleep(_POLL_S)
    raise SetupError(f"the bench's pod did not start: {await asyncio.to_thread(log.read_text)}")


async def _measured(api: str, seconds: float) -> tuple[Counters, Counters]:
    await asyncio.sleep(WARM_UP_S)
    before = await _counters(api)
    await asyncio.sleep(seconds)
    return before, await _counters(api)


def _result(
    arm: str, calls: int, seconds: float, before: Counters, after: Counters
) -> dict[str, Any]:
    def counted(name: str, *labels: str) -> float:
        return after.of(name, *labels) - before.of(name, *labels)

    kinds = {"stt": 0.0, "llm": 0.0, "tts": 0.0}
    failed = 0.0
    for name, labels in after.values:
        if name == "interject_provider_requests_total" and labels[0] in kinds:
            kinds[labels[0]] += counted(name, *labels)
        if name == "interject_provider_errors_total":
            failed += counted(name, *labels)
    ticks = counted("interject_tick_duration_seconds_count")
    on_time = counted("interject_tick_lateness_seconds_bucket", "0.005")
    return {
        "providers": arm,
        "calls": calls,
        "requests_per_s": {kind: count / seconds for kind, count in kinds.items()},
        "failed_requests": round(failed),
        "ticks": round(ticks),
        "tick_mean_ms": 1000 * counted("interject_tick_duration_seconds_sum") / max(ticks, 1),
        "late_ticks": round(counted("interject_late_ticks_total")),
        "late_over_5_ms_percent": 100 * (1 - on_time / max(ticks, 1)),
    }


def _agent(arm: str, calls: int, port: int) -> VoiceAgent:
    audio_port, http_port = _free_ports(2)
    server = {
        "bindHost": "127.0.0.1",
        "audioSocketPort": audio_port,
        "httpPort": http_port,
    }
    capacity = {"calls": calls, "reservationSeconds": 60}
    common = {"server": server, "capacity": capacity, "drain": {"timeoutSeconds": 0}}
    url = f"http://127.0.0.1:{port}/v1"
    openai = {"kind": "openai", "model": "bench", "baseUrl": url}
    specs: dict[str, dict[str, Any]] = {
        "built-in": {
            "dialogue": {"kind": "scripted", "script": [{"say": _SCRIPT}], "atEnd": "repeat"}
        },
        "streaming": {
            "instructions": "Talk.",
            "greeting": {"text": "Hello."},
            "llm": openai,
            "stt": openai,
            "tts": {**openai, "voice": "bench", "sourceRateHz": SPEECH_RATE_HZ},
            "limits": {"silencePrompts": 20},
            "turn": {"noInputMs": 1000},
        },
    }
    document = {
        "apiVersion": "interject.dev/v1alpha1",
        "kind": "VoiceAgent",
        "metadata": {"name": "bench"},
        "spec": common | specs[arm],
    }
    return load_manifest(document, "the bench")


def _free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]


async def _reserve(api: str, calls: int) -> None:
    async with _session() as session:
        for index in range(calls):
            uuid: UUID = call_uuid(index)
            async with session.get(f"{api}/api/call-start", params={"uuid": str(uuid)}) as answer:
                if answer.status != 200:
                    raise SetupError(f"the pod refused call {index}: HTTP {answer.status}")


async def _counters(api: str) -> Counters:
    async with _session() as session, session.get(f"{api}/metrics") as answer:
        page = await answer.text()
    return Counters(
        {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }
    )


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HTTP_S))
