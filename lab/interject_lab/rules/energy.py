"""An energy gate: any sound of some level for some time is the caller."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.rule_bank import RELEASE_TICKS, Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import SpeechRun, power
from media_pod.duplex.contract import TICK_MS, Pcm

GATE_DBFS: Final = -35.0
"""10-15 dB below the speech of a telephone line, and far above its noise."""
GATE_MS: Final = 100
"""Longer than a click."""


class EnergyBank(RuleBank):
    """Frames of 20 ms above `GATE_DBFS` for `GATE_MS` in a row, as simple bots have it.

    It re-expresses no single project: level and duration are settings wherever there is such a
    gate.
    """

    def __init__(self, slots: int, rate: int) -> None:
        super().__init__(slots, rate)
        self._run = SpeechRun(slots, GATE_MS // TICK_MS, RELEASE_TICKS)

    def _start(self, slot: int, phase: int) -> None:
        self._run.reset(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        loud = power(caller) >= 10 ** (GATE_DBFS / 10)
        return Heard(
            caller, loud.astype(np.float32), loud, np.zeros_like(loud), self._run.step(loud)
        )
