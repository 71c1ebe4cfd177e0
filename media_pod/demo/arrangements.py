"""Three ways to listen on a line that echoes, made of the same pieces."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from media_pod.duplex.contract import DuplexBank
from media_pod.lab.arrangements import HalfDuplexBank, NaiveBank
from media_pod.pod import make_bank
from media_pod.spec import AgentSpec


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One of them."""

    name: str
    title: str
    """What it does, in words."""
    bank: Callable[[AgentSpec], DuplexBank]


ARRANGEMENTS: Final = {
    arrangement.name: arrangement
    for arrangement in (
        Arrangement(
            "half-duplex",
            "Half-duplex: deaf while it talks",
            lambda spec: HalfDuplexBank(spec.capacity.calls, spec.line.rate_hz),
        ),
        Arrangement(
            "naive",
            "Naive: WebRTC AEC without alignment, then Silero",
            lambda spec: NaiveBank(spec.capacity.calls, spec.line.rate_hz),
        ),
        Arrangement("interject", "Interject", make_bank),
    )
}
