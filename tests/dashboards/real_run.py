"""Real calls recorded by Prometheus: pods of two agents, Asterisk and an operator.

Two phones call the agent `desk` and interrupt it over an echoing line; one calls `parcels`, whose
pod is asked to drain towards the end. The operator is its metrics page alone, fed by hand.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asterisk.callers import agent, interrupter, line, silent
from asterisk.world import World, free_port, world
from media_pod.manifest.agent import VoiceAgent
from otlp_collector import Collector
from rig.observers import Prometheus, Target

NAMESPACE: Final = "voice"
SECONDS: Final = 14.0
"""Minimum duration from the first call to the end of the recorded range."""
MOST_S: Final = 90.0
HEARD: Final = (
    "sum(interject_barge_in_stop_seconds_count) >= 3",
    'sum(interject_provider_first_chunk_seconds_count{kind="stt"}) >= 2',
)
UP_S: Final = 20.0
POLL_S: Final = 0.3
DRAINS_AFTER_S: Final = 10.0
INTERRUPTIONS: Final = 30
LINES: Final = ((0.0, 120.0), (3.0, 250.0))
"""Phones that call `desk`: start of the call in s, echo delay of the line in ms."""
TRUNK: Final = {
    **{"name": "acme", "host": "127.0.0.1", "port": 9, "transport": "tcp", "register": True},
    **{"user": "me", "password": {"value": "secret"}, "match": ["192.0.2.1"]},
}
"""Nobody listens there: its registration fails at once."""
PAGE: Final = Path(__file__).with_name("operator_page.py")


@dataclass(frozen=True)
class RealRun:
    """The recorded run."""

    prometheus: Prometheus
    began_s: float
    """Unix time of the first call."""
    ended_s: float

    async def ask(self, path: str, **query: str) -> Any:
        """See `Prometheus.ask`."""
        return await asyncio.to_thread(self.prometheus.ask, path, **query)

    async def series(self, expr: str, start_s: float, end_s: float) -> list[dict[str, Any]]:
        """See `Prometheus.series`."""
        return await asyncio.to_thread(self.prometheus.series, expr, start_s, end_s)


@asynccontextmanager
async def real_run(programs: Path, tree: Path, folder: Path, rules: Path) -> AsyncIterator[RealRun]:
    """Run the calls and yield the Prometheus server that recorded them.

    Args:
        programs: the folder of `prometheus`.
        tree: the unpacked Asterisk.
        folder: an empty one.
        rules: the file of the alert rules.
    """
    for name in ("world", "prometheus"):
        (folder / name).mkdir()
    collector = Collector()
    asterisk, desk, parcels = free_port(), free_port(), free_port()
    dialplan = [
        {"name": "desk", "extensions": ["100"], "api": [_local(desk)]},
        {"name": "parcels", "extensions": ["101"], "api": [_local(parcels)]},
    ]
    try:
        async with _operator() as operator:
            targets = [
                Target(operator, "interject", "interject-operator-7d9f"),
                Target(_local(asterisk), NAMESPACE, "interject-asterisk-0"),
                Target(_local(desk), NAMESPACE, "desk-6c5b-x2x4p"),
                Target(_local(parcels), NAMESPACE, "parcels-58f4-9wq7k"),
            ]
            agents = _agents(desk, parcels, collector.url)
            # Prometheus first: it scrapes a new target after some seconds only.
            with Prometheus(programs, folder / "prometheus", targets, rules) as prometheus:
                async with world(
                    tree, folder / "world", agents,
                    dialplan=dialplan, phones=len(LINES) + 1, metricsPort=asterisk, trunks=[TRUNK],
                ) as there:  # fmt: skip
                    await _until(prometheus, f"count(up == 1) == {len(targets)}", UP_S)
                    began_s = time.time()
                    await _let_them_call(there, prometheus, began_s)
                    yield RealRun(prometheus, began_s, time.time())
    finally:
        await asyncio.to_thread(collector.close)


async def _let_them_call(there: World, prometheus: Prometheus, began_s: float) -> None:
    calls = [
        asyncio.create_task(_interrupt(there, number, after_s, delay_ms))
        for number, (after_s, delay_ms) in enumerate(LINES)
    ]
    calls.append(asyncio.create_task(_listen(there, len(LINES))))
    draining = asyncio.create_task(_drain(there))
    try:
        await asyncio.sleep(SECONDS - (time.time() - began_s))
        await _until_heard(prometheus)
    finally:
        for task in (*calls, draining):
            task.cancel()
        await asyncio.gather(*calls, draining, return_exceptions=True)


async def _until_heard(prometheus: Prometheus) -> None:
    """Until callers were heard often enough; on a busy machine that takes longer."""
    async with asyncio.timeout(MOST_S - SECONDS):
        for each in HEARD:
            await _until(prometheus, each, MOST_S)


async def _until(prometheus: Prometheus, expr: str, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(prometheus.now, expr):
            await asyncio.sleep(POLL_S)


async def _interrupt(there: World, number: int, after_s: float, delay_ms: float) -> None:
    await asyncio.sleep(after_s)
    caller = interrupter(INTERRUPTIONS, seed=number)
    max_s = SECONDS - 4 if number else MOST_S
    phone = there.phone(line(delay_ms, seed=number), caller, max_s=max_s - after_s, number=number)
    await phone.call("100")


async def _listen(there: World, number: int) -> None:
    await there.phone(line(seed=number), silent(), max_s=MOST_S, number=number).call("101")


async def _drain(there: World) -> None:
    await asyncio.sleep(DRAINS_AFTER_S)
    await there.drain(1)


def _agents(desk: int, parcels: int, traces: str) -> list[VoiceAgent]:
    """The agents with their HTTP ports."""
    usual = {"drain": {"timeoutSeconds": 120}, "telemetry": {"otlpEndpoint": traces}}
    return [
        agent("desk", server={"httpPort": desk}, **usual),
        agent("parcels", server={"httpPort": parcels}, capacity={"calls": 4}, **usual),
    ]


@asynccontextmanager
async def _operator() -> AsyncIterator[str]:
    """Address of an operator's metrics page, in a separate process: this one runs the phones."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PAGE), str(port), env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )
    try:
        yield _local(port)
    finally:
        process.terminate()
        await process.wait()


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"
