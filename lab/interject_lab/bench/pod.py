"""The pod of the tick bench, as a separate process: `python -m interject_lab.bench.pod`.

Runs the whole loop of a pod: real connections, the real clock, bank, calls, metrics and HTTP API;
no recognizer, and pre-made speech. Prints one JSON line with its ports when it is ready, and one
with the measurements at the end.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np

from interject_lab.material import synthetic
from media_pod.call.call import Call
from media_pod.call.event_bus import EventBus, steady_clock
from media_pod.call.inputs import Agents, CallSettings
from media_pod.call.keypad import DigitSettings
from media_pod.calls.drain import Drain
from media_pod.calls.registry import CallRegistry, Leg
from media_pod.dialogues.ports import CallInfo, Play
from media_pod.dialogues.scripted import AtEnd, Item, Scripted
from media_pod.dialogues.turn_taking.end_of_turn import SilenceSettings
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import PHASES
from media_pod.manifest.active import ActiveManifest
from media_pod.manifest.agent import VoiceAgent
from media_pod.pod.clock import PodClock
from media_pod.pod.http.api import make_app
from media_pod.pod.http.server import ControlServer
from media_pod.pod.runtime import keep_memory
from media_pod.pod.view import RunningPod
from media_pod.providers.chain import ProviderChain
from media_pod.providers.ports import ProviderError, Speech
from media_pod.providers.tts.fixed_speech import FixedSpeech
from media_pod.telemetry.metrics import Metrics
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import MediaLine
from media_pod.transport.reframing import CallerStream
from media_pod.transport.server import CallServer

OUTSIDE: Final = "event loop"
"""What runs while none of the watched methods does."""


class Stages:
    """Charges the time of one thread to the innermost watched method that is running.

    Args:
        now_ns: CPU time of the thread, in ns.
    """

    def __init__(self, now_ns: Callable[[], int] = time.thread_time_ns) -> None:
        self._now_ns = now_ns
        self._spent_ns: dict[str, int] = defaultdict(int)
        self._stage = OUTSIDE
        self._since_ns = now_ns()

    def watch(self, owner: object, method: str, stage: str) -> None:
        """From now on, charge `owner.method` to `stage`; it must be called and not awaited."""
        inner = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            before = self._enter(stage)
            try:
                return inner(*args, **kwargs)
            finally:
                self._enter(before)

        setattr(owner, method, timed)

    def take(self) -> dict[str, int]:
        """What each stage was charged since the last `take`, in ns."""
        self._enter(self._stage)
        spent, self._spent_ns = self._spent_ns, defaultdict(int)
        return dict(spent)

    def _enter(self, stage: str) -> str:
        now_ns = self._now_ns()
        self._spent_ns[self._stage] += now_ns - self._since_ns
        before, self._stage, self._since_ns = self._stage, stage, now_ns
        return before


RATE_HZ: Final = 8000
JOIN_DEADLINE_S: Final = 30.0
EVENTS_FLUSH_S: Final = 1.0
_PROVIDER_S: Final = 5.0
_SETTINGS: Final = CallSettings(
    rate_hz=RATE_HZ,
    pre_roll_ms=300,
    silences=SilenceSettings(min_ms=350, normal_ms=700, max_ms=2500),
    greeting="always",
    early_reply_ms=350,
    max_utterance_ms=15_000,
    no_input_ms=8_000,
    digits=DigitSettings(gap_ms=3000, least=1, most=64, terminator="#"),
    provider_s=_PROVIDER_S,
    max_call_s=86_400,
    dialogue_close_s=_PROVIDER_S,
)
_PARTS: Final = (
    ("_canceller", "step", "canceller"),
    ("_tracker", "step", "delay tracker"),
    ("_vad", "step", "vad"),
)
"""Inside the bank; its other work is the stage `bank, other`."""


class MeasuredClock(PodClock):
    """`PodClock`, keeping the CPU time of every tick and the number of those it skipped."""

    tick_cpu_ns: list[int]
    late_ms: list[float]
    """How long after it was due each tick began."""
    late_ticks: int = 0

    def begin(self) -> None:
        """Forget what was before."""
        self.tick_cpu_ns, self.late_ms, self.late_ticks = [], [], 0

    def note_late(self, late_s: float) -> None:
        """A tick begins so late."""
        self.late_ms.append(late_s * 1000)

    def tick(self) -> None:
        """See `PodClock.tick`."""
        began_ns = time.thread_time_ns()
        super().tick()
        self.tick_cpu_ns.append(time.thread_time_ns() - began_ns)

    def skip(self, ticks: int) -> None:
        """See `PodClock.skip`."""
        self.late_ticks += ticks
        super().skip(ticks)


class BenchPod:
    """`calls` calls, all of them talking."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        bank = Bank(calls, RATE_HZ)
        self._metrics = metrics = Metrics(calls, "bench", drain_timeout_s=0)
        self._bus = EventBus(steady_clock(), metrics.event_dropped)
        self._bus.subscribe(metrics.on_event)
        self._registry = CallRegistry(calls, JOIN_DEADLINE_S)
        self._legs = self._registry.legs
        self._clock = MeasuredClock(
            bank, self._legs, metrics.ticks, time.monotonic, self._on_end, lambda leg: None
        )
        metrics.ticks.lateness = self._clock.note_late  # type: ignore[method-assign]
        self._clock.begin()
        self._server = CallServer(
            self._admit, AudioSocketProtocol, rate_hz=RATE_HZ, host="127.0.0.1", port=0
        )
        self._agents = Agents(
            ProviderChain("stt", [_Deaf()], _PROVIDER_S, time.monotonic),
            partial(Scripted.for_call, *_script()),
            ProviderChain("tts", [_Mute()], _PROVIDER_S, time.monotonic),
            FixedSpeech((), RATE_HZ),
            apology=(),
            goodbye=(),
            limit_goodbye=(),
        )
        self._control = self._make_control()
        self._all_here = asyncio.Event()
        self._endings: set[asyncio.Task[None]] = set()
        self._stages = _watched(self._clock, bank)

    def _make_control(self) -> ControlServer:
        nothing = Drain(self._registry, lambda: None, lambda: None, 0.0, time.monotonic)
        view = RunningPod(
            self._registry,
            self._clock,
            self._metrics,
            self._server,
            nothing,
            ActiveManifest(_agent(), Path(), lambda spec, folder: self._agents.dialogue),
            self._bus,
            time.monotonic,
        )
        return ControlServer(make_app(view), "127.0.0.1", 0)

    async def run(self, warm_up_s: float, seconds: float) -> dict[str, Any]:
        """Wait for the calls, let them run, and measure."""
        gc.collect()
        gc.freeze()
        await self._server.start()
        await self._control.start()
        ticking = asyncio.create_task(self._clock.run())
        _print({"port": self._server.port, "http_port": self._control.port})
        try:
            async with asyncio.timeout(JOIN_DEADLINE_S):
                await self._all_here.wait()
            await asyncio.sleep(warm_up_s)
            return await self._measure(seconds)
        finally:
            await self._control.stop()
            await self._server.aclose()
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            for leg in tuple(self._legs.values()):
                self._clock.end(leg)
            await asyncio.gather(*self._endings)
            await asyncio.to_thread(self._bus.close, EVENTS_FLUSH_S)

    async def _measure(self, seconds: float) -> dict[str, Any]:
        self._clock.begin()
        self._stages.take()
        wall_s, process_s, waited_s = time.monotonic(), time.process_time(), _waited_s()
        await asyncio.sleep(seconds)
        wall_s, process_s = time.monotonic() - wall_s, time.process_time() - process_s
        waited_s = _waited_s() - waited_s
        stages_ns = self._stages.take()
        ticks_ms = np.array(self._clock.tick_cpu_ns) / 1e6
        per_us = 1e-3 / (ticks_ms.size * self._calls)
        p50_ms, p99_ms = np.quantile(ticks_ms, (0.5, 0.99))
        late_p50_ms, late_p99_ms = np.quantile(self._clock.late_ms, (0.5, 0.99))
        return {
            "calls": self._calls,
            "calls_at_end": len(self._legs),
            "core_share_percent": 100 * process_s / wall_s,
            "core_waited_for_percent": 100 * waited_s / wall_s,
            "cpu_us_per_call_and_tick": sum(stages_ns.values()) * per_us,
            "ticks": int(ticks_ms.size),
            "tick_cpu_p50_ms": float(p50_ms),
            "tick_cpu_p99_ms": float(p99_ms),
            "tick_cpu_max_ms": float(ticks_ms.max()),
            "tick_late_p50_ms": float(late_p50_ms),
            "tick_late_p99_ms": float(late_p99_ms),
            "tick_late_max_ms": max(self._clock.late_ms),
            "late_ticks": self._clock.late_ticks,
            "rss_mb": _rss_mb(),
            "stages_us_per_call_and_tick": {
                stage: spent_ns * per_us for stage, spent_ns in stages_ns.items()
            },
        }

    def _admit(self, connection: MediaLine, uuid: UUID) -> None:
        now_s = time.monotonic()
        self._registry.reserve(CallInfo(str(uuid), "+493012345678", "600"), now_s)
        registered = self._registry.connect(str(uuid), now_s)
        call = Call(registered.ref, _SETTINGS, self._agents, self._bus, connection.flush)
        leg = Leg(registered.slot, connection, call, CallerStream(RATE_HZ))
        self._registry.attach(registered, leg)
        self._clock.join(leg, uuid.int % PHASES)
        call.start()
        if len(self._legs) == self._calls:
            self._all_here.set()

    def _on_end(self, leg: Leg) -> None:
        self._registry.finish(leg.call.info.uuid)
        ending = asyncio.create_task(leg.call.aclose("caller"))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


class _Unused:
    """What providers have in common, of those that do nothing."""

    name = "bench"
    model = ""

    async def start(self) -> None:
        pass

    async def check(self) -> str:
        return ""

    async def aclose(self) -> None:
        pass


class _Deaf(_Unused):
    """A recognizer that makes nothing of what it gets."""

    partial = ""

    def listen(self) -> "_Deaf":
        return self

    def feed(self, pcm: object) -> None:
        pass

    async def finish(self) -> str:
        return ""

    def discard(self) -> None:
        pass


class _Mute(_Unused):
    """A voice for a script that has its speech."""

    def speak(self, text: str) -> AsyncIterator[Speech]:
        raise ProviderError(f"the bench has no voice, and was to say {text!r}")


def _agent() -> VoiceAgent:
    """What `/api/calls` reports of a manifest."""
    spec = {"dialogue": {"kind": "parcelDesk"}}
    return VoiceAgent.model_validate(
        {
            "apiVersion": "interject.dev/v1alpha1",
            "kind": "VoiceAgent",
            "metadata": {"name": "bench"},
            "spec": spec,
        }
    )


def _script() -> tuple[tuple[Item, ...], AtEnd]:
    """Speech without end."""
    voice = synthetic.voices(RATE_HZ, "validation").bots[0]
    items = [Item(Play(f"notice-{index}", pcm)) for index, pcm in enumerate(voice.phrases)]
    return tuple(items), AtEnd.REPEAT


def _watched(clock: PodClock, bank: Bank) -> Stages:
    stages = Stages()
    stages.watch(clock, "tick", "tick, other")
    stages.watch(clock, "_write", "write")
    stages.watch(clock, "_gather", "gather")
    stages.watch(clock, "_step", "dispatch")
    stages.watch(bank, "step", "bank, other")
    for part, method, stage in _PARTS:
        stages.watch(getattr(bank, part), method, stage)
    return stages


def _waited_s() -> float:
    """How long this thread was ready to run while something else had its core."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _rss_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(calls: str, warm_up_s: str, seconds: str, cpu: str) -> None:
    """Run on one core."""
    import uvloop

    os.sched_setaffinity(0, {int(cpu)})
    keep_memory()

    async def run() -> dict[str, Any]:
        return await BenchPod(int(calls)).run(float(warm_up_s), float(seconds))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _print(runner.run(run()))


if __name__ == "__main__":
    main(*sys.argv[1:])
