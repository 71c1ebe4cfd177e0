"""Impairments of a packet network: burst loss, jitter, stalls. No I/O; repeatable by seed.

Loss is the simple Gilbert model, a two-state chain that loses all packets in its bad state and
none in its good one. With p the chance per packet to turn bad and r to turn good, the loss is
p / (p + r) and the mean burst 1 / r packets (the same as `tc netem loss gemodel p r`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interject_lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Stall:
    """From `at_s` of the call nothing arrives for `for_s`; then all of it at once."""

    at_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Network:
    """One direction of a network; by default a perfect one."""

    loss: float = 0.0
    """Mean share of the packets that are lost, from 0 up to below 1."""
    mean_burst: float = 1.0
    """Packets lost in a row, on average; from 1 on."""
    jitter_ms: float = 0.0
    """The largest delay of a packet; delays are uniform from 0."""
    reorder: bool = False
    """Whether packets may overtake; otherwise such a packet arrives with its predecessor."""
    stalls: Sequence[Stall] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 1:
            raise LabError(f"a loss of {self.loss}: expected a share from 0 up to below 1")
        if self.mean_burst < 1:
            raise LabError(f"a mean burst of {self.mean_burst} packets: expected 1 or more")
        if self.loss > self.mean_burst / (self.mean_burst + 1):
            raise LabError(
                f"a loss of {self.loss} in bursts of {self.mean_burst} packets is impossible:"
                f" expected bursts of {self.loss / (1 - self.loss):.2f} or more"
            )
        if self.jitter_ms < 0:
            raise LabError(f"a jitter of {self.jitter_ms} ms: expected 0 or more")


class PacketPath:
    """One direction of `network` for one call.

    Args:
        network: its impairments.
        start_ns: the start of the call.
    """

    def __init__(self, network: Network, start_ns: int) -> None:
        self._network = network
        self._start_ns = start_ns
        # Separate generators, so that loss does not depend on jitter.
        self._chance, self._lateness = np.random.default_rng(network.seed).spawn(2)
        self._bad = bool(self._chance.random() < network.loss)
        self._last_ns = start_ns
        self.passed = 0
        """Packets that arrived."""
        self.lost = 0

    def due_ns(self, sent_ns: int) -> int | None:
        """Arrival time of a packet sent at `sent_ns`; None if it is lost.

        Call it in the order of sending.
        """
        jitter_ms = self._network.jitter_ms
        late_ns = round(self._lateness.uniform(0, jitter_ms) * 1e6) if jitter_ms else 0
        if self._is_lost():
            self.lost += 1
            return None
        self.passed += 1
        due_ns = self._after_stalls(sent_ns + late_ns)
        if not self._network.reorder:
            due_ns = max(due_ns, self._last_ns)
        self._last_ns = due_ns
        return due_ns

    def _is_lost(self) -> bool:
        lost, network = self._bad, self._network
        if network.loss:
            to_good = 1 / network.mean_burst
            to_bad = to_good * network.loss / (1 - network.loss)
            change = to_good if self._bad else to_bad
            self._bad ^= bool(self._chance.random() < change)
        return lost

    def _after_stalls(self, due_ns: int) -> int:
        for stall in self._network.stalls:
            from_ns = self._start_ns + round(stall.at_s * 1e9)
            to_ns = from_ns + round(stall.for_s * 1e9)
            if from_ns <= due_ns < to_ns:
                due_ns = to_ns
        return due_ns
