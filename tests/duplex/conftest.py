"""Synthesized speech, for tests in which Silero must detect speech."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from media_pod.duplex.contract import Pcm
from media_pod.providers.builtin.espeak import synthesize

Speak = Callable[[int], Pcm]

_BOT = (
    "Thank you for calling the parcel desk. Your parcel was handed to the driver this morning, "
    "and it should reach you before five in the afternoon. If nobody is at home, we try again."
)
_CALLER = "Wait a moment please, I would rather pick it up myself tomorrow."


def _spoken(text: str, voice: str) -> Speak:
    made: dict[int, Pcm] = {}

    def at(rate_hz: int) -> Pcm:
        if rate_hz not in made:
            # espeak carries a state over from text to text: only a new process says the same again,
            # whichever tests ran before.
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                pieces = process.submit(synthesize, text, rate_hz, voice).result()
            made[rate_hz] = np.concatenate([piece.pcm for piece in pieces])
        return made[rate_hz]

    return at


@pytest.fixture(scope="session")
def bot_speech() -> Speak:
    """The bot's words by sampling rate: int16, about 10 s at -20 dBFS."""
    return _spoken(_BOT, "en-us")


@pytest.fixture(scope="session")
def caller_speech() -> Speak:
    """A caller's words by sampling rate: int16, about 3 s at -20 dBFS."""
    return _spoken(_CALLER, "en-gb+Annie")
