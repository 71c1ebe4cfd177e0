"""A bank that keeps all that a pod gives it in its latest call, for the same steps again."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import DuplexBank, Pcm, Step


@dataclass(slots=True)
class Fed:
    """What the bank got and gave in one call, one entry per tick."""

    phase: int
    caller: list[Pcm] = field(default_factory=list)
    played: list[Pcm] = field(default_factory=list)
    slipped: list[NDArray[np.int32] | None] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def decisions(self) -> NDArray[np.int8]:
        """[ticks]"""
        return np.array([step.decision[0] for step in self.steps], np.int8)

    def again(self, bank: DuplexBank) -> NDArray[np.int8]:
        """[ticks] the decisions of another bank of one slot on the same input."""
        bank.open(0, self.phase)
        ticks = zip(self.caller, self.played, self.slipped, strict=True)
        return np.array([bank.step(*tick).decision[0] for tick in ticks], np.int8)


class RecordedBank(Bank):
    """The product's bank, for one call at a time."""

    def __init__(self, rate_hz: int) -> None:
        super().__init__(1, rate_hz)
        self.fed = Fed(0)
        """Of the latest call."""

    def open(self, slot: int, phase: int = 0) -> None:
        super().open(slot, phase)
        self.fed = Fed(phase)

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        step = super().step(caller, played, slipped)
        self.fed.caller.append(caller.copy())
        self.fed.played.append(played.copy())
        self.fed.slipped.append(None if slipped is None else slipped.copy())
        self.fed.steps.append(step)
        return step
