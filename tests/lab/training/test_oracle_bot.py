"""The bot of training calls, over many short sounds of a caller."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from interject_lab.call_record import Sound, SoundKind
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from interject_lab.training.oracle_bot import OracleBot
from media_pod.duplex.contract import Decision, Pcm

RATE_HZ, TICK = 8000, 160
CALLS = 80
SOUND_TICKS = 100
LEVEL = 8000


def ducked_and_stopped_ms(kind: SoundKind, seed: int) -> tuple[bool, int | None]:
    """Whether the bot spoke lower in the caller's 2 s, and when it fell silent after the onset."""
    sound: Pcm = np.full(SOUND_TICKS * TICK, 4000, np.int16)
    caller = Caller([PlannedUtterance("", sound, Cue.AT, 0.2)], RATE_HZ)
    endless = np.full(10 * RATE_HZ, LEVEL, np.int16)
    bot = OracleBot(
        ScriptedBot([endless], RATE_HZ, start_s=0.0),
        caller,
        [Sound(kind, "", -20.0)],
        np.random.default_rng(seed),
    )
    levels = list(_levels(bot, caller))[10:]
    ducked = any(0 < level < LEVEL / 2 for level in levels)
    return ducked, (levels.index(0) * 20 if 0 in levels else None)


def _levels(bot: OracleBot, caller: Caller) -> Iterator[int]:
    for _ in range(10 + SOUND_TICKS):
        frame = bot.frame()
        caller.step(bool(frame.any()))
        bot.decide(Decision.NONE)
        yield int(frame[-1])


@cache
def outcomes(kind: SoundKind) -> list[tuple[bool, int | None]]:
    return [ducked_and_stopped_ms(kind, seed) for seed in range(CALLS)]


@pytest.mark.parametrize(("kind", "low", "high"), [("interruption", 45, 75), ("noise", 6, 30)])
def test_it_obeys_some_callers_and_few_noises(kind: SoundKind, low: float, high: float) -> None:
    stops = [stop_ms for _, stop_ms in outcomes(kind) if stop_ms is not None]
    assert low <= 100 * len(stops) / CALLS <= high


def test_it_stops_at_any_time_from_60_to_900_ms() -> None:
    stops = [stop_ms for _, stop_ms in outcomes("interruption") if stop_ms is not None]
    inside = [stop_ms for stop_ms in stops if 60 <= stop_ms <= 920]
    assert len(inside) >= 0.9 * len(stops)  # the others were cut off for nothing
    assert min(inside) < 200
    assert max(inside) > 700


def test_it_lowers_its_voice_for_most_sounds() -> None:
    assert 50 <= 100 * np.mean([ducked for ducked, _ in outcomes("noise")]) <= 95


def test_it_does_the_same_from_the_same_seed() -> None:
    assert [ducked_and_stopped_ms("noise", seed) for seed in range(9)] == outcomes("noise")[:9]
