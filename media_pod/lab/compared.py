"""Three ways to listen on a line that echoes, made of the same pieces: what is compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import DuplexBank
from media_pod.lab.arrangements import HalfDuplexBank, NaiveBank


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One of them."""

    name: str
    title: str
    """What it does, in words."""
    bank: Callable[[int, int], DuplexBank]
    """Made with the number of slots and the rate in Hz."""


ARRANGEMENTS: Final = {
    arrangement.name: arrangement
    for arrangement in (
        Arrangement("half-duplex", "Half-duplex: deaf while it talks", HalfDuplexBank),
        Arrangement("naive", "Naive: WebRTC AEC without alignment, then Silero", NaiveBank),
        Arrangement("interject", "Interject", Bank),
    )
}
