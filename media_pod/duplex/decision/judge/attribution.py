"""Which groups of features carried a decision.

A group is left out: its features are replaced by their leaky mean, whose time constant is a second
and which begins at 0, and the latest step of the networks is made again. What the logit loses is
the group's part.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.decision.judge.features import FEATURES, GROUPS

Floats = NDArray[np.float32]
Contributions = tuple[tuple[str, float], ...]

_RATE: Final = np.float32(TICK_MS / 1000)
_MOST: Final = 3
"""Groups that are reported."""


class Attribution:
    """Keeps the mean features of every slot, and explains rises."""

    def __init__(self, slots: int) -> None:
        self._mean = np.zeros((slots, FEATURES), np.float32)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._mean[slot] = 0

    def follow(self, features: Floats) -> None:
        """Take one tick's features, [slots, FEATURES]."""
        self._mean += _RATE * (features - self._mean)

    def explain(
        self,
        slot: int,
        features: Floats,
        logit: float,
        again: Callable[[Floats, NDArray[np.intp]], Floats],
    ) -> Contributions:
        """The groups that carried a logit, largest part first; at most three.

        Args:
            slot: whose decision.
            features: [slots, FEATURES] of this tick.
            logit: that the decision came from.
            again: the logits, [rows], that this tick would have given for other rows of features
                of the given slots.
        """
        rows = np.repeat(features[slot : slot + 1], len(GROUPS), axis=0)
        for row, group in zip(rows, GROUPS.values(), strict=True):
            row[group] = self._mean[slot, group]
        parts = logit - again(rows, np.full(len(rows), slot))
        order = np.argsort(-parts, kind="stable")[:_MOST]
        names = tuple(GROUPS)
        return tuple((names[index], float(parts[index])) for index in order if parts[index] > 0)
