"""The duplex core of each arrangement that is compared."""

from collections.abc import Callable

from media_pod.duplex.contract import DuplexBank
from media_pod.lab.compared import ARRANGEMENTS
from media_pod.spec import AgentSpec


def bank_of(arrangement: str) -> Callable[[AgentSpec], DuplexBank]:
    """What makes the bank of `arrangement`, a name in `ARRANGEMENTS`."""

    def bank(spec: AgentSpec) -> DuplexBank:
        return ARRANGEMENTS[arrangement].bank(spec.capacity.calls, spec.line.rate_hz)

    return bank
