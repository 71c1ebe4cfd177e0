"""Ducks the bot while the bank is in doubt whether the caller speaks, and reports each duck.

A duck costs little if it was for nothing. So it comes with the first evidence, and the stop with
enough of it.
"""

from media_pod.call.call_events import CallEvents
from media_pod.call.events import Ducked, DuckOutcome
from media_pod.call.playout import Playout
from media_pod.duplex.contract import Decision


class Ducking:
    """The ducks of one call.

    Args:
        playout: the bot's voice.
        events: take a `Ducked` once each duck is over.
    """

    def __init__(self, playout: Playout, events: CallEvents) -> None:
        self._playout = playout
        self._events = events
        self._began_ms: int | None = None
        """Of the duck that is under way."""

    def follow(self, decision: Decision, *, protected: bool) -> None:
        """Take the bank's decision of this tick, after it has stopped the bot if it does.

        Args:
            decision: the bank's.
            protected: the bot cannot be interrupted now, and is not ducked.
        """
        doubt = decision is Decision.ONSET and not protected
        self._playout.duck.ducked = doubt
        if not doubt:
            self.over("faded")
        elif self._began_ms is None and self._playout.speaking:
            self._began_ms = self._events.now_ms

    def over(self, outcome: DuckOutcome) -> None:
        """End the duck that is under way, if there is one."""
        if self._began_ms is not None:
            self._events.publish(Ducked, self._events.now_ms - self._began_ms, outcome)
            self._began_ms = None
