"""Call set-up and tear-down: a connection becomes a call, and the end of one is reported to all."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from media_pod.call.call import Call
from media_pod.call.event_bus import EventBus
from media_pod.call.events import Connected, Ended, ReservationExpired
from media_pod.call.inputs import Agents, CallSettings
from media_pod.call.keypad import DigitSettings
from media_pod.calls.drain import Drain
from media_pod.calls.registry import CallRegistry, Leg, RegisteredCall
from media_pod.dialogues.ports import DialogueFactory
from media_pod.dialogues.turn_taking.end_of_turn import SilenceSettings
from media_pod.logs import call_logger
from media_pod.manifest.active import ActiveManifest
from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.tools import longest_tool_seconds
from media_pod.telemetry.trace_context import choose_span_id
from media_pod.transport.line import MediaLine
from media_pod.transport.reframing import CallerStream

_logger = logging.getLogger(__name__)


class CallSetup:
    """Sets up and tears down the calls of one pod.

    Args:
        spec: what calls take from the manifest.
        manifest: the active one; new calls have its dialogue.
        registry, drain, bus: the pod's own.
        now: monotonic time in seconds, the registry's.
        random_bits: gives a random number of so many bits, for ids of spans.
    """

    def __init__(
        self,
        spec: AgentSpec,
        manifest: ActiveManifest[DialogueFactory],
        registry: CallRegistry,
        drain: Drain,
        bus: EventBus,
        now: Callable[[], float],
        random_bits: Callable[[int], int],
    ) -> None:
        self._settings = _settings(spec)
        self._manifest = manifest
        self._registry = registry
        self._drain = drain
        self._bus = bus
        self._now = now
        self._random_bits = random_bits
        self._agents: Agents | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._closing = False

    def open(self, agents: Agents) -> None:
        """From now on calls can be set up, with these providers."""
        self._agents = agents

    def close(self) -> None:
        """From now on it is the pod that ends its calls."""
        self._closing = True

    def connect(self, connection: MediaLine, uuid: UUID) -> Leg:
        """Set up the call of a connection that says it is `uuid`.

        Raises:
            UnreservedError: it was never reserved, or too long ago.
            StillConnectedError: a second connection of a running call.
        """
        registered = self._registry.connect(str(uuid), self._now())
        registered.span_id = choose_span_id(registered.info, self._random_bits)
        self._bus.publish(registered.ref, Connected(self._bus.now_ns()))
        try:
            call = self._make(registered, connection)
        except BaseException:
            self._registry.finish(str(uuid))
            self._bus.publish(registered.ref, Ended(self._bus.now_ns(), "error", ""))
            self._drain.call_ended()
            raise
        leg = Leg(registered.slot, connection, call, CallerStream(self._settings.rate_hz))
        self._registry.attach(registered, leg)
        log = call_logger(_logger, str(uuid))
        log.info("connected from %s, slot %d", connection.peer, leg.slot)
        return leg

    def sweep(self) -> None:
        """Give back the slots whose audio connection did not come in time."""
        for late in self._registry.sweep(self._now()):
            self._bus.publish(late.ref, ReservationExpired(self._bus.now_ns()))
            log = call_logger(_logger, late.info.uuid)
            log.info("its audio connection did not come in time")
        # Reservations end in other ways too, which call nothing.
        self._drain.check()

    def on_hang_up(self, leg: Leg) -> None:
        """The bot is about to hang up.

        Before its goodbye leaves: Asterisk may ask what is next before its end of file is here.
        """
        self._registry.goodbye(leg.call.info.uuid, leg.call.goto)

    def on_end(self, leg: Leg) -> None:
        """A connection is over: free its slot, and let the call give back what it holds."""
        uuid, reason = leg.call.info.uuid, leg.connection.ended or "the pod stopped"
        self._registry.finish(uuid)
        ended = "pod" if self._closing else _ended_by(leg)
        call_logger(_logger, uuid).info("ended by the %s: %s", ended, reason)
        self._drain.call_ended()
        ending = asyncio.create_task(leg.call.aclose(ended), name=f"end of call {uuid}")
        self._endings.add(ending)
        ending.add_done_callback(self._ended)

    async def aclose(self) -> None:
        """Wait until the calls that are over have given back what they hold."""
        await asyncio.gather(*self._endings, return_exceptions=True)

    def _make(self, registered: RegisteredCall, connection: MediaLine) -> Call:
        assert self._agents is not None, "the pod opens before it listens"
        agents = replace(self._agents, dialogue=self._manifest.dialogue)
        return Call(registered.ref, self._settings, agents, self._bus, connection.flush)

    def _ended(self, ending: asyncio.Task[None]) -> None:
        self._endings.discard(ending)
        if not ending.cancelled() and (error := ending.exception()) is not None:
            _logger.error("the %s failed", ending.get_name(), exc_info=error)


def _settings(spec: AgentSpec) -> CallSettings:
    turn = spec.turn
    return CallSettings(
        rate_hz=spec.line.rate_hz,
        pre_roll_ms=spec.barge_in.pre_roll_ms,
        silences=SilenceSettings(
            min_ms=min(turn.min_silence_ms, turn.end_silence_ms),
            normal_ms=turn.end_silence_ms,
            max_ms=max(turn.max_silence_ms, turn.end_silence_ms),
            language=spec.language,
        ),
        early_reply_ms=turn.min_silence_ms if turn.early_reply else 0,
        max_utterance_ms=turn.max_utterance_ms,
        no_input_ms=turn.no_input_ms,
        digits=DigitSettings(
            turn.digits.gap_ms, turn.digits.least, turn.digits.most, turn.digits.terminator
        ),
        provider_s=spec.deadlines.provider_seconds,
        max_call_s=spec.limits.call_seconds,
        greeting="always" if spec.dialogue is not None else spec.greeting.interruptible,
        dialogue_close_s=longest_tool_seconds(spec.tools) + spec.deadlines.provider_seconds,
    )


def _ended_by(leg: Leg) -> str:
    if leg.failed:
        return "error"
    if leg.call.over:
        return "bot"
    return "error" if leg.connection.refused else "caller"
