"""The pod: everything wired together from a VoiceAgent, on one event loop."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from media_pod.call.call import Agents
from media_pod.calls.drain import Leaving
from media_pod.calls.peers import HttpPeers
from media_pod.calls.registry import Admission
from media_pod.dialogues.registry import make_dialogue
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import TICK_MS, DuplexBank
from media_pod.errors import SetupError
from media_pod.manifest.active import ActiveManifest
from media_pod.manifest.agent import AgentSpec, VoiceAgent
from media_pod.pod.call_setup import Reception
from media_pod.pod.clock import PodClock, Tap
from media_pod.pod.http.api import make_app
from media_pod.pod.http.server import ControlServer
from media_pod.pod.view import RunningPod
from media_pod.providers.policy import within
from media_pod.providers.ports import Speech, Tts
from media_pod.providers.registry import make_stt, make_tts
from media_pod.telemetry.metrics import Metrics
from media_pod.telemetry.tracing import Tracing, traces_url
from media_pod.transport.audiosocket.server import AudioSocketServer
from media_pod.transport.line import Line
from media_pod.transport.server import ServerSettings
from media_pod.transport.websocket.connection import row_header
from media_pod.transport.websocket.server import MediaSocketServer

APOLOGY: Final = "Sorry, something went wrong on my side. Could you say that again, please?"
GOODBYE: Final = "I am sorry, I cannot go on with this call. Goodbye."
_THRESHOLD_BIAS: Final = {"low": 1.0, "normal": 0.25, "high": -0.25}
_SWEEP_S: Final = 1.0
_FIRST_SPEECH_S: Final = 20.0
"""For the voice's first words, while everything else is loading too."""
_TRACE_FLUSH_S: Final = 3.0
_WARM_UP_TICKS: Final = 50

_logger = logging.getLogger(__name__)


def make_bank(spec: AgentSpec) -> DuplexBank:
    """The duplex core that a manifest asks for.

    Raises:
        SetupError: the speech detector's model does not load.
    """
    try:
        return Bank(
            spec.capacity.calls,
            spec.line.rate_hz,
            max_delay_ms=spec.line.max_echo_delay_ms,
            threshold_bias=_THRESHOLD_BIAS[spec.barge_in.sensitivity],
        )
    except (OSError, RuntimeError, ValueError, KeyError) as error:  # torch, for a bad archive
        cause = " ".join(str(error).split())
        raise SetupError(
            f"the model of the speech detector does not load ({cause}); "
            "install it anew: pip install --force-reinstall silero-vad"
        ) from error


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running pod listens."""

    audio_port: int
    audio_protocol: str
    """What is spoken there: AudioSocket or WebSocket."""
    http_port: int


class Pod:
    """One media pod.

    Args:
        agent: the manifest.
        folder: what paths in it are relative to.
        bank: makes the duplex core; the lab puts others in its place.
        tap: looks on at every step.
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
        tap: Tap | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        spec = agent.spec
        self._spec = spec
        self._now = now
        self.manifest = ActiveManifest(agent, folder, make_dialogue)
        """Which one is in force; new calls have its dialogue."""
        self._tts, self._stt = make_tts(spec), make_stt(spec)
        self._bank = bank(spec)
        self._metrics = Metrics(
            spec.capacity.calls, agent.metadata.name, spec.drain.timeout_seconds
        )
        self._tracing = _make_tracing(agent)
        self.arrivals = self._tracing.arrivals
        """Which calls are here, and what their traces are."""
        self._admission = Admission(spec.capacity.calls, spec.capacity.reservation_seconds)
        self._leaving = Leaving(
            self._admission, self._note_drain, self._say_goodbye, spec.drain.timeout_seconds, now
        )
        self._reception = Reception(
            spec, self.manifest, self._admission, self._leaving, self._tracing, self._metrics, now
        )
        self._clock = PodClock(
            self._bank,
            self._metrics.ticks,
            now,
            self._reception.on_end,
            self._reception.on_hang_up,
            tap,
            row_header if spec.line.transport == "webSocket" else None,
        )
        self._audio = self._make_server()
        self._http = self._make_control()
        self._tasks: list[asyncio.Task[None]] = []

    def _make_control(self) -> ControlServer:
        server = self._spec.server
        view = RunningPod(
            self._admission,
            self._clock,
            self._metrics,
            self._audio,
            self._leaving,
            self.manifest,
            self.arrivals,
            self._now,
        )
        peers = HttpPeers(server.peers) if server.peers else None
        app = make_app(view, server.advertise_host, peers)
        return ControlServer(app, server.bind_host, server.http_port)

    def _make_server(self) -> AudioSocketServer | MediaSocketServer:
        server, line, deadlines = self._spec.server, self._spec.line, self._spec.deadlines
        over_websocket = line.transport == "webSocket"
        settings: ServerSettings = {
            "host": server.bind_host,
            "port": server.web_socket_port if over_websocket else server.audio_socket_port,
            "uuid_timeout_s": deadlines.uuid_ms / 1000,
            "drain_timeout_s": deadlines.goodbye_ms / 1000,
            "stall_s": deadlines.stall_ms / 1000,
        }
        if over_websocket:
            return MediaSocketServer(self._admit, rate_hz=line.rate_hz, **settings)
        return AudioSocketServer(self._admit, **settings)

    async def start(self) -> Addresses:
        """Load, listen and tick.

        Raises:
            SetupError: a port in use, a missing package.
            ProviderError: a voice or recognizer that does not work.
        """
        await self._stt.start()
        apology, goodbye = await _say(self._tts, APOLOGY), await _say(self._tts, GOODBYE)
        self._reception.open(Agents(self._stt, self.manifest.dialogue, self._tts, apology, goodbye))
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

        A drain that was begun over HTTP goes on; its time does not begin anew.

        Raises:
            RuntimeError: the clock stopped; the pod cannot go on.
        """
        await self._unless_broken(stop.wait())
        self._leaving.begin()
        await self._unless_broken(self._leaving.over())

    async def aclose(self) -> None:
        """End every call and give everything back; afterwards no task and no socket is left."""
        self._reception.close()
        self._admission.drain()
        self._leaving.close()
        await self._audio.aclose()
        await self._http.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for leg in tuple(self._clock.legs.values()):
            self._clock.end(leg)
        await self._reception.aclose()
        await self._tts.aclose()
        await self._stt.aclose()
        await asyncio.to_thread(self._tracing.close, _TRACE_FLUSH_S)

    async def _unless_broken(self, work: Awaitable[object]) -> None:
        """Await `work`, unless a task that the pod cannot be without ends before."""
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

    def _note_drain(self) -> None:
        self.arrivals.note("drain")

    def _say_goodbye(self) -> None:
        for leg in tuple(self._clock.legs.values()):
            leg.call.dismiss("the pod has to go")

    def _warm_up(self) -> None:
        """Let every array and code path be touched once, before a caller waits for it."""
        samples = self._bank.rate * TICK_MS // 1000
        silence = np.zeros((self._bank.slots, samples), np.int16)
        self._bank.open(0)
        for _ in range(_WARM_UP_TICKS):
            self._bank.step(silence, silence)
        self._bank.close(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._reception.sweep()

    def _admit(self, connection: Line, uuid: UUID) -> None:
        slot, call = self._reception.admit(connection, uuid)
        self._clock.join(slot, connection, call)
        call.start()


def _make_tracing(agent: VoiceAgent) -> Tracing:
    telemetry = agent.spec.telemetry
    return Tracing(
        traces_url(telemetry.otlp_endpoint, os.environ),
        agent.metadata.name,
        sample_ratio=telemetry.sample_ratio,
        content=telemetry.content,
    )


async def _say(tts: Tts, text: str) -> tuple[Speech, ...]:
    async with aclosing(within(tts.speak(text), _FIRST_SPEECH_S, "the voice")) as pieces:
        return tuple([speech async for speech in pieces])
