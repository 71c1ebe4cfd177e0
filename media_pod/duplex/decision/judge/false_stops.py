"""False stops: decisions for a caller that were wrong, as far as a pod can tell.

A false stop by an echo has a signature. The evidence for a caller lasts as long as the echo does:
the bot falls silent, its last words return, and then the line is quiet. A caller goes on.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS

Flags = NDArray[np.bool_]

_BOT_STOPS_TICKS: Final = 1500 // TICK_MS
"""A bot that speaks on for so long after a decision did not stop for it."""
_GONE_TICKS: Final = 300 // TICK_MS
_WITH_THE_ECHO_TICKS: Final = 100 // TICK_MS
"""Evidence that ended so long before the echo did was no echo: a short word, or a noise."""


class FalseStops:
    """Counts the false stops of each slot's call."""

    def __init__(self, slots: int) -> None:
        self.count = np.zeros(slots, np.float32)
        """[slots]"""
        self._pending = np.zeros(slots, np.bool_)
        self._since_rise_ticks = np.zeros(slots, np.intp)
        self._since_echo_ticks = np.zeros(slots, np.intp)
        self._ended_with_echo = np.zeros(slots, np.bool_)
        self._since_evidence_ticks = np.zeros(slots, np.intp)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self.count[slot] = 0
        self._pending[slot] = self._ended_with_echo[slot] = False
        for ticks in (self._since_rise_ticks, self._since_echo_ticks, self._since_evidence_ticks):
            ticks[slot] = 0

    def step(self, rise: Flags, evidence: Flags, echo: Flags) -> None:
        """Take one tick of every slot.

        Args:
            rise: [slots] a decision for a caller begins.
            evidence: [slots] this tick is evidence for a caller.
            echo: [slots] the bot speaks, or its echo may still return.
        """
        begins = rise & echo
        self._pending |= begins
        self._since_rise_ticks = np.where(begins, 0, self._since_rise_ticks + 1)
        self._since_evidence_ticks = np.where(evidence, 0, self._since_evidence_ticks + 1)
        self._since_echo_ticks = np.where(echo, 0, self._since_echo_ticks + 1)
        at_its_end = self._since_evidence_ticks <= _WITH_THE_ECHO_TICKS
        self._ended_with_echo = np.where(echo, at_its_end, self._ended_with_echo)
        gone = self._since_echo_ticks == _GONE_TICKS
        quiet = self._since_evidence_ticks > _WITH_THE_ECHO_TICKS
        self.count += self._pending & gone & quiet & self._ended_with_echo
        speaks_on = echo & (self._since_rise_ticks > _BOT_STOPS_TICKS)
        self._pending &= ~(gone | speaks_on)
