"""The audio that a suite of calls is drawn from, of one split and at one rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from interject_lab.material.voices import Pcm, Voice

Split = Literal["train", "validation", "test"]
"""No speaker, noise recording or impulse response is in two of them."""

SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")

EventKind = Literal["cough", "sneeze", "dog", "door", "baby", "rooster", "keyboard", "knock"]
"""A short sound at the caller's end that must not stop the bot."""

BackgroundKind = Literal["white", "pink", "hum", "street", "babble", "music", "recorded"]
"""Sound at the caller's end that goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Voices, noises and echo paths. All audio is int16 [samples], at its original level."""

    rate_hz: int
    split: Split
    bots: tuple[Voice, ...]
    """With phrases of 2 to 9 s."""
    callers: tuple[Voice, ...]
    """With phrases of 0.6 to 2.5 s."""
    backchannels: tuple[Voice, ...]
    """With sounds of 0.15 to 0.6 s: hums, yes, single words, digits, letters."""
    events: Mapping[EventKind, tuple[Pcm, ...]]
    """Single sounds of 0.1 to 2 s."""
    backgrounds: Mapping[BackgroundKind, tuple[Pcm, ...]]
    """Loops of at least 3 s."""
    impulse_responses: tuple[NDArray[np.float64], ...]
    """Measured rooms, at `rate_hz`; empty without a corpus."""
