"""The pod: everything wired together from a VoiceAgent, on one event loop."""

import asyncio
import gc
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
from opentelemetry.trace import SpanContext

from media_pod.call.event_bus import EventBus, Subscriber, steady_clock
from media_pod.call.events import DrainStarted
from media_pod.call.inputs import Agents
from media_pod.calls.drain import Drain
from media_pod.calls.peers import HttpPeers
from media_pod.calls.registry import CallRegistry
from media_pod.duplex.bank import Bank
from media_pod.duplex.canceller.kalman import KalmanCanceller
from media_pod.duplex.canceller.protocol import Canceller
from media_pod.duplex.canceller.webrtc import WebRtcCanceller
from media_pod.duplex.contract import PHASES, TICK_MS, DuplexBank
from media_pod.duplex.decision.detector import SENSITIVITY_BIAS
from media_pod.duplex.decision.judge.weights import JudgeWeightsError
from media_pod.errors import SetupError
from media_pod.manifest.active import ActiveManifest
from media_pod.manifest.agent import AgentSpec, VoiceAgent
from media_pod.pod.call_setup import CallSetup
from media_pod.pod.clock import PodClock, Tap
from media_pod.pod.http.access import usable
from media_pod.pod.http.api import make_app
from media_pod.pod.http.server import ControlServer
from media_pod.pod.services import AgentServices
from media_pod.pod.view import RunningPod
from media_pod.telemetry.metrics import Metrics
from media_pod.telemetry.trace_context import span_context
from media_pod.telemetry.tracing import Tracing, traces_url
from media_pod.transport.audiosocket.protocol import AudioSocketProtocol
from media_pod.transport.line import MediaLine
from media_pod.transport.server import CallServer
from media_pod.transport.websocket.protocol import WebSocketProtocol

_SWEEP_S: Final = 1.0
_EVENTS_FLUSH_S: Final = 1.0
_TRACE_FLUSH_S: Final = 3.0
_WARM_UP_TICKS: Final = 50

_logger = logging.getLogger(__name__)


_CANCELLERS: Final[dict[str, Callable[[int, int], Canceller]]] = {
    "kalman": KalmanCanceller,
    "webRtc": WebRtcCanceller,
}


def make_bank(spec: AgentSpec) -> DuplexBank:
    """The duplex core that a manifest asks for.

    Raises:
        SetupError: the model of the speech detector, or the weights of the judge, do not load.
    """
    try:
        return Bank(
            spec.capacity.calls,
            spec.line.rate_hz,
            max_delay_ms=spec.line.max_echo_delay_ms,
            canceller=_CANCELLERS[spec.line.echo_canceller],
            threshold_bias=SENSITIVITY_BIAS[spec.barge_in.sensitivity],
            keep_backchannels=spec.barge_in.backchannels == "keep",
        )
    except JudgeWeightsError as error:
        raise SetupError(str(error)) from error
    except (OSError, RuntimeError, ValueError, KeyError) as error:  # torch, for a bad archive
        cause = " ".join(str(error).split())
        raise SetupError(
            f"the model of the speech detector does not load ({cause}); "
            "install it again: pip install --force-reinstall silero-vad"
        ) from error


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running pod listens."""

    audio_port: int
    audio_protocol: str
    """The protocol there: AudioSocket or WebSocket."""
    http_port: int


class Pod:
    """One media pod.

    Args:
        agent: the manifest.
        folder: what paths in it are relative to.
        bank: makes the duplex core; the lab puts others in its place.
        services: makes models, recognizers, voices and tools.
        tap: sees every step.
        subscribers: take every event of the calls, on the bus's thread.
        now: monotonic time in seconds.

    Raises:
        SetupError, ProviderError: a package, a model, a voice or a recording that does not load.
    """

    def __init__(
        self,
        agent: VoiceAgent,
        folder: Path,
        *,
        bank: Callable[[AgentSpec], DuplexBank] = make_bank,
        services: Callable[[AgentSpec, Path], AgentServices] = AgentServices,
        tap: Tap | None = None,
        subscribers: Sequence[Subscriber] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        spec = agent.spec
        self._spec = spec
        self._now = now
        self._services = services(spec, folder)
        self.manifest = ActiveManifest(agent, folder, self._services.make_dialogue)
        """The active one; new calls have its dialogue."""
        self._bank = bank(spec)
        self._tracing = _make_tracing(agent)
        self._metrics = Metrics(
            spec.capacity.calls,
            agent.metadata.name,
            spec.drain.timeout_seconds,
            self._tracing.trace_id_hex,
        )
        self._bus = EventBus(steady_clock(), self._metrics.event_dropped)
        self._bus.subscribe(self._tracing.on_event)
        self._bus.subscribe(self._metrics.on_event)
        for subscriber in subscribers:
            self._bus.subscribe(subscriber)
        self._registry = CallRegistry(spec.capacity.calls, spec.capacity.reservation_seconds)
        self._drain = Drain(
            self._registry, self._on_drain, self._say_goodbye, spec.drain.timeout_seconds, now
        )
        self._setup = CallSetup(
            spec, self.manifest, self._registry, self._drain, self._bus, now, random.getrandbits
        )
        self._clock = PodClock(
            self._bank,
            self._registry.legs,
            self._metrics.ticks,
            now,
            self._setup.on_end,
            self._setup.on_hang_up,
            tap,
        )
        self._audio = self._make_server()
        self._http = self._make_control()
        self._tasks: list[asyncio.Task[None]] = []

    def _make_control(self) -> ControlServer:
        server = self._spec.server
        view = RunningPod(
            self._registry,
            self._clock,
            self._metrics,
            self._audio,
            self._drain,
            self.manifest,
            self._bus,
            self._now,
        )
        peers = HttpPeers(server.peers) if server.peers else None
        self._control_token()
        app = make_app(view, server.advertise_host, peers, self._control_token)
        return ControlServer(
            app, server.bind_host, server.http_port, self._metrics.malformed_request
        )

    def _control_token(self) -> str:
        """As it is now, because Kubernetes replaces the file of a Secret; raises SetupError."""
        source = self._spec.server.control_token
        found = self._services.secrets.value(source, "spec.server.controlToken")
        return "" if found is None else usable(found)

    def _make_server(self) -> CallServer:
        server, line, deadlines = self._spec.server, self._spec.line, self._spec.deadlines
        over_websocket = line.transport == "webSocket"
        return CallServer(
            self._admit,
            WebSocketProtocol if over_websocket else AudioSocketProtocol,
            rate_hz=line.rate_hz,
            host=server.bind_host,
            port=server.web_socket_port if over_websocket else server.audio_socket_port,
            uuid_timeout_s=deadlines.uuid_ms / 1000,
            drain_timeout_s=deadlines.goodbye_ms / 1000,
            stall_s=deadlines.stall_ms / 1000,
        )

    async def start(self) -> Addresses:
        """Load, listen and tick.

        Raises:
            SetupError: a port in use, a missing package.
            ProviderError: a voice or recognizer that does not work.
        """
        services, phrases = self._services, self._spec.phrases
        await services.start()
        agents = Agents(
            services.stt,
            self.manifest.dialogue,
            services.tts,
            services.fixed,
            apology=await services.prepared(phrases.apology),
            goodbye=await services.prepared(phrases.goodbye),
            limit_goodbye=await services.prepared(phrases.limit_goodbye),
        )
        self._setup.open(agents)
        self._warm_up()
        await self._audio.start()
        await self._http.start()
        self._tasks = [
            asyncio.create_task(self._clock.run(), name="clock"),
            asyncio.create_task(self._sweep(), name="sweep"),
        ]
        # A full collection walks everything that torch and its like have made: seven ticks.
        gc.collect()
        gc.freeze()
        return Addresses(self._audio.port, self._audio.protocol, self._http.port)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then drain, as long as the manifest allows.

        A drain that was started over HTTP goes on with its own deadline.

        Raises:
            RuntimeError: the clock stopped; the pod cannot go on.
        """
        await self._unless_broken(stop.wait())
        self._drain.start()
        await self._unless_broken(self._drain.finished())

    async def aclose(self) -> None:
        """End every call and release everything; afterwards no task and no socket is left."""
        self._setup.close()
        self._registry.drain()
        self._drain.close()
        await self._audio.aclose()
        await self._http.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for leg in tuple(self._registry.legs.values()):
            self._clock.end(leg)
        await self._setup.aclose()
        await self._services.aclose()
        await asyncio.to_thread(self._bus.close, _EVENTS_FLUSH_S)
        await asyncio.to_thread(self._tracing.close, _TRACE_FLUSH_S)

    async def _unless_broken(self, work: Awaitable[object]) -> None:
        """Await `work`, unless a task that the pod needs ends before."""
        working = asyncio.ensure_future(work)
        try:
            await asyncio.wait([working, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:
                if task.done():
                    raise RuntimeError(f"the pod's {task.get_name()} stopped") from task.exception()
            working.result()
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    @property
    def ticks(self) -> int:
        """How many ticks its clock has had; may be read on any thread."""
        return self._clock.ticks

    def log_context(self, uuid: str) -> SpanContext | None:
        """The trace span of the call `uuid`, for its lines of the log; None without traces."""
        call = self._registry.known(uuid)
        if call is None or not call.span_id or not self._tracing.enabled:
            return None
        return span_context(call.ref)

    def _on_drain(self) -> None:
        for leg in self._registry.legs.values():
            self._bus.publish(leg.call.ref, DrainStarted(self._bus.now_ns()))

    def _say_goodbye(self) -> None:
        for leg in tuple(self._registry.legs.values()):
            leg.call.dismiss("the pod has to stop")

    def _warm_up(self) -> None:
        """Run every code path once, before a caller waits for it."""
        samples = self._bank.rate * TICK_MS // 1000
        silence = np.zeros((self._bank.slots, samples), np.int16)
        self._bank.open(0)
        for _ in range(_WARM_UP_TICKS):
            self._bank.step(silence, silence)
        self._bank.close(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._setup.sweep()

    def _admit(self, connection: MediaLine, uuid: UUID) -> None:
        leg = self._setup.connect(connection, uuid)
        # From the UUID, so that a replay of the call's audio finds the same phase.
        self._clock.join(leg, uuid.int % PHASES)
        leg.call.start()


def _make_tracing(agent: VoiceAgent) -> Tracing:
    telemetry = agent.spec.telemetry
    return Tracing(
        traces_url(telemetry.otlp_endpoint, os.environ),
        agent.metadata.name,
        sample_ratio=telemetry.sample_ratio,
        content=telemetry.content,
    )
