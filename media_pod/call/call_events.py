"""The events of one call, with the time at which each happened, and the transcript they make."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from media_pod.call.event_bus import EventBus
from media_pod.call.events import DTMF, BargeIn, CallRef, ConversationEvent, Ended
from media_pod.call.inputs import CallerTick
from media_pod.call.playout import Said
from media_pod.call.transcript import Transcript
from media_pod.duplex.contract import TICK_MS

P = ParamSpec("P")


class CallEvents:
    """Publishes what happens in one call.

    Args:
        ref: which call, and which connection of it.
        bus: takes the events.
    """

    def __init__(self, ref: CallRef, bus: EventBus) -> None:
        self.transcript = Transcript()
        self.ticks = 0
        """Since the start of the call."""
        self._ref = ref
        self._bus = bus

    @property
    def now_ms(self) -> int:
        """Since the start of the call."""
        return self.ticks * TICK_MS

    def publish(
        self,
        make: Callable[Concatenate[int, int, P], ConversationEvent],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """See `events.Publish`."""
        event = make(self._bus.now_ns(), self.now_ms, *args, **kwargs)
        self.transcript.on_event(event)
        self._bus.publish(self._ref, event)

    def barge_in(
        self,
        reason: str,
        onset_ago_s: float,
        tick: CallerTick,
        cut: Said,
    ) -> BargeIn:
        """Publish a barge-in, and return it.

        Args:
            reason, onset_ago_s: as in `BargeIn`.
            tick: the latest of the bank.
            cut: how far the bot's turn had come.
        """
        event = BargeIn(
            self._bus.now_ns(),
            self.now_ms,
            reason,
            onset_ago_s,
            tick.delay_ms,
            tick.delay_confidence,
            tick.erle_db,
            cut.heard,
            cut.unheard,
            cut.heard_ms,
            # A digit comes before the bank's decision of its tick.
            () if reason == DTMF else tick.why,
        )
        self._bus.publish(self._ref, event)
        return event

    def end(self, ended: str, goto: str) -> None:
        """The last event; the arguments are those of `Ended`."""
        self._bus.publish(self._ref, Ended(self._bus.now_ns(), ended, goto))
