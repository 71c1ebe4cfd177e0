"""The pod: everything wired together from a VoiceAgent, on one event loop."""

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from media_pod.agents.from_spec import make_dialogue, make_stt, make_tts
from media_pod.agents.ports import CallInfo, Speech, Tts
from media_pod.audiosocket.connection import Connection
from media_pod.audiosocket.server import AudioSocketServer
from media_pod.call.call import Agents, Call, CallSettings
from media_pod.clock import Leg, PodClock, Tap
from media_pod.control.admission import Admission, Admitted, Ended, Next, State
from media_pod.control.api import make_app
from media_pod.control.ports import CallView
from media_pod.control.server import ControlServer
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import TICK_MS, DuplexBank
from media_pod.spec import AgentSpec, VoiceAgent
from media_pod.telemetry.metrics import Metrics
from media_pod.telemetry.traces import Tracing, traces_url

APOLOGY: Final = "Sorry, something went wrong on my side. Could you say that again, please?"
GOODBYE: Final = "I am sorry, I cannot go on with this call. Goodbye."
_CAUTION: Final = {"low": 1.0, "normal": 0.25, "high": -0.25}
_SWEEP_S: Final = 1.0
_DEAD_AFTER_S: Final = 2.0
"""A clock that has not ticked for this long will not come back."""
_LAST_WORDS_S: Final = 10.0
_TRACE_FLUSH_S: Final = 3.0
_WARM_UP_TICKS: Final = 50

_logger = logging.getLogger(__name__)


def make_bank(spec: AgentSpec) -> DuplexBank:
    """The duplex core that a manifest asks for."""
    return Bank(
        spec.capacity.calls,
        spec.line.rate_hz,
        max_delay_ms=spec.line.max_echo_delay_ms,
        caution=_CAUTION[spec.barge_in.sensitivity],
    )


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running pod listens."""

    audio_socket_port: int
    http_port: int


class Pod:
    """One media pod; also the `PodView` that its HTTP API shows.

    Args:
        agent: the manifest.
        folder: what paths in it are relative to.
        bank: makes the duplex core; the lab puts others in its place.
        tap: looks on at every step.
        now: monotonic time in seconds.
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
        self._metrics = Metrics(spec.capacity.calls)
        self._admission = Admission(spec.capacity.calls, spec.capacity.reservation_seconds)
        self._tracing = Tracing(
            traces_url(spec.telemetry.otlp_endpoint, os.environ), agent.metadata.name
        )
        self._dialogue = make_dialogue(spec, folder)
        self._tts = make_tts(spec)
        self._stt = make_stt(spec)
        self._agents: Agents | None = None
        self._bank = bank(spec)
        self._clock = PodClock(self._bank, self._metrics, now, self._on_end, self._on_hang_up, tap)
        self._audio = AudioSocketServer(
            self._admit,
            host=spec.server.bind_host,
            port=spec.server.audio_socket_port,
            uuid_timeout_s=spec.deadlines.uuid_ms / 1000,
            drain_timeout_s=spec.deadlines.goodbye_ms / 1000,
            stall_s=spec.deadlines.stall_ms / 1000,
        )
        app = make_app(self, spec.server.advertise_host)
        self._http = ControlServer(app, spec.server.bind_host, spec.server.http_port)
        self._tasks: list[asyncio.Task[None]] = []
        self._endings: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def start(self) -> Addresses:
        """Load, listen and tick.

        Raises:
            SetupError: a port in use, a missing package.
            ProviderError: a voice or recognizer that does not work.
        """
        await self._stt.start()
        apology, goodbye = await _say(self._tts, APOLOGY), await _say(self._tts, GOODBYE)
        self._agents = Agents(self._stt, self._dialogue, self._tts, apology, goodbye)
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
        return Addresses(self._audio.port, self._http.port)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then drain, as long as the manifest allows.

        Raises:
            RuntimeError: the clock stopped; the pod cannot go on.
        """
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopping, *self._tasks], return_when="FIRST_COMPLETED")
        stopping.cancel()
        for task in done - {stopping}:
            raise RuntimeError(f"the pod's {task.get_name()} stopped") from task.exception()

        self.drain()
        _logger.info("draining: %d calls go on", len(self._clock.legs))
        await self._until_idle(self._spec.drain.timeout_seconds)
        for leg in tuple(self._clock.legs.values()):
            leg.call.dismiss("the pod has to go")
        await self._until_idle(_LAST_WORDS_S)

    async def aclose(self) -> None:
        """End every call and give everything back; afterwards no task and no socket is left."""
        await self._http.stop()
        await self._audio.aclose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for leg in tuple(self._clock.legs.values()):
            self._clock.end(leg)
        await asyncio.gather(*self._endings, return_exceptions=True)
        await self._tts.aclose()
        await self._stt.aclose()
        await asyncio.to_thread(self._tracing.close, _TRACE_FLUSH_S)

    def _warm_up(self) -> None:
        """Let every array and code path be touched once, before a caller waits for it."""
        samples = self._bank.rate * TICK_MS // 1000
        silence = np.zeros((self._bank.slots, samples), np.int16)
        self._bank.open(0)
        for _ in range(_WARM_UP_TICKS):
            self._bank.step(silence, silence)
        self._bank.close(0)

    async def _until_idle(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._clock.legs:
                    self._ended.clear()
                    await self._ended.wait()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            for late in self._admission.sweep(self._now()):
                _logger.info("call %s: its AudioSocket did not come in time", late.info.uuid)
            self._metrics.active_calls(len(self._admission.admitted))

    def _admit(self, connection: Connection, uuid: UUID) -> None:
        assert self._agents is not None, "start() makes them before it listens"
        admitted = self._admission.connect(str(uuid), self._now())
        try:
            call = Call(
                admitted.info,
                self._call_settings(),
                self._agents,
                self._tracing.call(admitted.info),
                self._metrics.barge_in_stopped,
            )
        except BaseException:
            self._admission.finish(str(uuid), Ended.OTHER)
            raise
        self._clock.join(admitted.slot, connection, call)
        self._metrics.active_calls(len(self._admission.admitted))
        _logger.info("call %s: connected from %s, slot %d", uuid, connection.peer, admitted.slot)
        call.start()

    def _call_settings(self) -> CallSettings:
        turn = self._spec.turn
        return CallSettings(
            rate_hz=self._spec.line.rate_hz,
            pre_roll_ms=self._spec.barge_in.pre_roll_ms,
            end_silence_ms=turn.end_silence_ms,
            max_utterance_ms=turn.max_utterance_ms,
            no_input_ms=turn.no_input_ms,
            provider_s=self._spec.deadlines.provider_seconds,
        )

    def _on_hang_up(self, leg: Leg) -> None:
        # Before 0x00 leaves: Asterisk may ask what is next before its end of file is here.
        self._admission.goodbye(leg.call.info.uuid)

    def _on_end(self, leg: Leg) -> None:
        uuid, reason = leg.call.info.uuid, leg.connection.ended or "the pod stopped"
        self._admission.finish(uuid, Ended.OTHER)
        ended = "bot" if self._admission.state(uuid) is State.DONE else "caller"
        self._metrics.call_ended(ended)
        self._metrics.active_calls(len(self._admission.admitted))
        _logger.info("call %s: ended, %s", uuid, reason)
        self._ended.set()
        ending = asyncio.create_task(leg.call.aclose(ended))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    @property
    def audio_port(self) -> int:
        """The AudioSocket port."""
        return self._audio.port

    def reserve(self, info: CallInfo) -> None:
        """See `PodView.reserve`."""
        self._admission.reserve(info, self._now())

    def next(self, info: CallInfo) -> Next:
        """See `PodView.next`."""
        return self._admission.next(info, self._now())

    def end(self, uuid: str, cause: str) -> bool:
        """See `PodView.end`."""
        known = self._admission.hang_up(uuid) is not None
        for leg in self._clock.legs.values():
            if leg.call.info.uuid == uuid:
                leg.connection.hang_up(f"the dialplan says that the call is over, cause {cause}")
        return known

    def calls(self) -> Sequence[CallView]:
        """See `PodView.calls`."""
        return [self._view(admitted) for admitted in self._admission.admitted]

    def call(self, uuid: str) -> CallView | None:
        """See `PodView.call`."""
        admitted = self._admission.get(uuid)
        return None if admitted is None else self._view(admitted)

    def _view(self, admitted: Admitted) -> CallView:
        info = admitted.info
        state = self._admission.state(info.uuid)
        assert state is not None, "an admitted call has a state"
        age_s = self._now() - admitted.since_s
        view = CallView(
            info.uuid, admitted.slot, state.value, info.from_number, info.to_number, age_s
        )
        leg = self._clock.legs.get(admitted.slot)
        return view if leg is None or leg.call.last is None else _with_call(view, leg)

    @property
    def slots(self) -> int:
        """Most calls at a time."""
        return self._bank.slots

    @property
    def draining(self) -> bool:
        """No new calls are taken."""
        return self._admission.draining

    def drain(self) -> None:
        """See `PodView.drain`."""
        self._admission.drain()

    def why_not_live(self) -> str:
        """See `PodView.why_not_live`."""
        silent_s = self._now() - self._clock.last_tick_s
        return f"no tick for {silent_s:.1f} s" if silent_s > _DEAD_AFTER_S else ""

    def why_not_ready(self) -> str:
        """See `PodView.why_not_ready`."""
        if self._agents is None:
            return "loading"
        return "draining" if self.draining else ""

    def render_metrics(self) -> tuple[bytes, str]:
        """See `PodView.render_metrics`."""
        return self._metrics.render()


def _with_call(view: CallView, leg: Leg) -> CallView:
    heard = leg.call.last
    assert heard is not None, "asked only for a call that has heard a tick"
    return replace(
        view,
        turn=leg.call.state.value,
        decision=heard.decision.name.lower(),
        reason=heard.reason.name.lower(),
        delay_ms=heard.delay_ms,
        delay_confidence=leg.confidence,
        erle_db=heard.erle_db,
    )


async def _say(tts: Tts, text: str) -> tuple[Speech, ...]:
    return tuple([speech async for speech in tts.speak(text)])
