"""Lines with an echo, for tests of the whole bank."""

from dataclasses import dataclass

import numpy as np

from duplex.signals import Sound, echo_of, hybrid_path, line_noise, room_path, ticks
from media_pod.duplex.bank import Bank
from media_pod.duplex.contract import Pcm, Step

ERL_DB = 15.0
DELAY = 250 * 8


@dataclass(frozen=True)
class Line:
    """Received and played audio of one slot."""

    caller: Sound
    played: Sound


def bot_of(speech: Pcm, seconds: float, start_s: float = 0.3) -> Sound:
    """The bot's speech, over and over after a short silence."""
    size, start = round(8000 * seconds), round(8000 * start_s)
    spoken = np.tile(speech, size // speech.size + 1)[: size - start]
    return np.concatenate([np.zeros(start), spoken.astype(np.float64)])


def echo_line(speech: Pcm, seconds: float, seed: int = 1, delay: int = DELAY) -> Line:
    """The bot and its echo, without a caller."""
    rng = np.random.default_rng(seed)
    played = bot_of(speech, seconds)
    path = hybrid_path(rng) if seed % 2 else room_path(rng)
    echo = echo_of(played, path, ERL_DB, delay)
    return Line(echo + line_noise(rng, played.size), played)


def with_caller(line: Line, speech: Pcm, at_s: float, gain: float = 1.0) -> Line:
    caller, start = line.caller.copy(), round(8000 * at_s)
    spoken = speech[: caller.size - start]
    caller[start : start + spoken.size] += gain * spoken
    return Line(caller, line.played)


def run(bank: Bank, lines: list[Line]) -> list[Step]:
    caller = ticks([line.caller for line in lines])
    played = ticks([line.played for line in lines])
    return [bank.step(one, other) for one, other in zip(caller, played, strict=True)]
