"""Who comes in and how they leave: a connection becomes a call, and all are told of its end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from media_pod.call.call import Agents, Call, CallSettings
from media_pod.calls.drain import Leaving
from media_pod.calls.registry import Admission, Admitted, Ended
from media_pod.dialogues.ports import DialogueFactory
from media_pod.manifest.active import ActiveManifest
from media_pod.manifest.agent import AgentSpec
from media_pod.pod.clock import Leg
from media_pod.telemetry.metrics import Metrics
from media_pod.telemetry.tracing import Tracing
from media_pod.transport.line import MediaLine

_logger = logging.getLogger(__name__)


class Reception:
    """The door of one pod; the clock has the calls between their beginning and their end.

    Args:
        spec: what calls take from the manifest.
        manifest: which one is in force; new calls have its dialogue.
        admission, leaving, tracing, metrics: the pod's own.
        now: monotonic time in seconds, the admission's.
    """

    def __init__(
        self,
        spec: AgentSpec,
        manifest: ActiveManifest[DialogueFactory],
        admission: Admission,
        leaving: Leaving,
        tracing: Tracing,
        metrics: Metrics,
        now: Callable[[], float],
    ) -> None:
        self._settings = _settings(spec)
        self._manifest = manifest
        self._admission = admission
        self._leaving = leaving
        self._tracing = tracing
        self._metrics = metrics
        self._now = now
        self._agents: Agents | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._closing = False

    def open(self, agents: Agents) -> None:
        """From now on calls can be made, by these providers."""
        self._agents = agents

    def close(self) -> None:
        """From now on it is the pod that ends its calls."""
        self._closing = True

    def admit(self, connection: MediaLine, uuid: UUID) -> tuple[int, Call]:
        """The slot and the call of a connection that says it is `uuid`.

        Raises:
            UnreservedError: nobody announced it, or too long ago.
            StillConnectedError: a second connection of a running call.
        """
        admitted = self._admission.connect(str(uuid), self._now())
        try:
            call = self._make(admitted, connection)
        except BaseException:
            self._admission.finish(str(uuid), Ended.OTHER)
            self._leaving.call_ended()
            raise
        _logger.info("call %s: connected from %s, slot %d", uuid, connection.peer, admitted.slot)
        return admitted.slot, call

    def sweep(self) -> None:
        """Give back the places of those who announced themselves and did not come."""
        for late in self._admission.sweep(self._now()):
            self._tracing.arrivals.expired(late.info.uuid)
            _logger.info("call %s: its audio did not come in time", late.info.uuid)
        # Promises end in other ways too, and nobody tells.
        self._leaving.look()

    def on_hang_up(self, leg: Leg) -> None:
        """The bot is about to hang up.

        Before its goodbye leaves: Asterisk may ask what is next before its end of file is here.
        """
        self._admission.goodbye(leg.call.info.uuid, leg.call.goto)

    def on_end(self, leg: Leg) -> None:
        """A connection is over, and its slot is free."""
        uuid, reason = leg.call.info.uuid, leg.connection.ended or "the pod stopped"
        self._admission.finish(uuid, Ended.OTHER)
        ended = "pod" if self._closing else _who_ended(leg)
        self._metrics.call_ended(ended)
        _logger.info("call %s: ended by the %s: %s", uuid, ended, reason)
        self._tracing.arrivals.ended(uuid)
        self._leaving.call_ended()
        ending = asyncio.create_task(leg.call.aclose(ended), name=f"end of call {uuid}")
        self._endings.add(ending)
        ending.add_done_callback(self._ended)

    async def aclose(self) -> None:
        """Wait until the calls that are over have given back what they had."""
        await asyncio.gather(*self._endings, return_exceptions=True)

    def _make(self, admitted: Admitted, connection: MediaLine) -> Call:
        assert self._agents is not None, "the pod opens before it listens"
        trace = self._tracing.call(admitted.info)
        try:
            return Call(
                admitted.info,
                self._settings,
                replace(self._agents, dialogue=self._manifest.dialogue),
                trace,
                self._metrics.calls,
                connection.flush,
            )
        except BaseException:
            trace.end("error")
            self._tracing.arrivals.ended(admitted.info.uuid)
            raise

    def _ended(self, ending: asyncio.Task[None]) -> None:
        self._endings.discard(ending)
        if not ending.cancelled() and (error := ending.exception()) is not None:
            _logger.error("the %s failed", ending.get_name(), exc_info=error)


def _settings(spec: AgentSpec) -> CallSettings:
    turn = spec.turn
    return CallSettings(
        rate_hz=spec.line.rate_hz,
        pre_roll_ms=spec.barge_in.pre_roll_ms,
        end_silence_ms=turn.end_silence_ms,
        max_utterance_ms=turn.max_utterance_ms,
        no_input_ms=turn.no_input_ms,
        provider_s=spec.deadlines.provider_seconds,
    )


def _who_ended(leg: Leg) -> str:
    if leg.failed:
        return "error"
    return "bot" if leg.call.over else "caller"
