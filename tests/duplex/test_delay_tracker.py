"""The delay tracker, alone on its rings."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from duplex.signals import (
    RATE_HZ,
    Sound,
    echo_of,
    hybrid_path,
    line_noise,
    room_path,
    speechlike,
    ticks,
)
from media_pod.duplex.delay.correlation import Blocks, Correlator
from media_pod.duplex.delay.tracker import DelayTracker
from media_pod.duplex.features import BandLevels, Levels, NoiseFloor
from media_pod.duplex.ring import Audio, AudioRing

Path = Callable[[np.random.Generator], Sound]
WITHIN = 5 * 8
"""5 ms, in lags."""


class Line:
    """A tracker, the two rings it reads, and a clock."""

    def __init__(self, slots: int = 1, max_delay_ms: int = 1000) -> None:
        self.tracker = DelayTracker(slots, max_delay_ms)
        self.caller = AudioRing(slots, self.tracker.history, 160)
        self.played = AudioRing(slots, self.tracker.history, 160)
        self.levels, self.floor = BandLevels(RATE_HZ), NoiseFloor(slots)
        self.tick = 0

    def hear(self, caller: list[Sound], played: list[Sound]) -> Iterator[float]:
        """Run the tracker over equally long sounds, one per slot; yields the time in seconds."""
        for heard, sent in zip(ticks(caller), ticks(played), strict=True):
            self.caller.push(heard)
            self.played.push(sent)
            rows = np.arange(len(heard))
            self.tracker.step(
                self.tick + rows, rows >= 0, self.caller, self.played, self.floor.level_db
            )
            self.floor.follow(self.levels(self.caller.last(self.levels.window)), rows >= 0)
            self.tick += 1
            yield self.tick / 50

    def run(self, caller: Sound, played: Sound) -> None:
        for _ in self.hear([caller], [played]):
            pass

    @property
    def lag(self) -> int:
        return int(self.tracker.lag_samples[0])

    @property
    def trusted(self) -> bool:
        return bool(self.tracker.confidence[0] >= 0.5)


def on_line(seed: int, path: Path, delay_samples: int, seconds: float = 4.0) -> tuple[Sound, Sound]:
    """What arrives and what is played on a line with an echo at ERL 14 dB."""
    rng = np.random.default_rng(seed)
    played = speechlike(rng, seconds)
    echo = echo_of(played, path(rng), 14.0, delay_samples)
    return echo + line_noise(rng, played.size), played


@pytest.mark.parametrize("path", [hybrid_path, room_path])
@pytest.mark.parametrize("delay_ms", [20, 55, 120, 250, 430, 700, 1000])
def test_finds_the_echo_within_5_ms(path: Path, delay_ms: int) -> None:
    line = Line()
    line.run(*on_line(11, path, delay_ms * 8))
    assert line.trusted
    assert abs(line.lag - delay_ms * 8) <= WITHIN


@pytest.mark.parametrize("path", [hybrid_path, room_path])
def test_locks_within_a_second_of_echo(path: Path) -> None:
    line = Line()
    caller, played = on_line(12, path, 300 * 8)
    locked_s = next(now for now in line.hear([caller], [played]) if line.trusted)
    assert locked_s <= 0.3 + 1.0


@pytest.mark.parametrize("later", [-1600, -37, 1, 8, 333, 2400])
def test_an_echo_later_by_some_samples_is_found_later_by_as_many(later: int) -> None:
    first, second = Line(), Line()
    first.run(*on_line(13, hybrid_path, 2000))
    second.run(*on_line(13, hybrid_path, 2000 + later))
    assert abs((second.lag - first.lag) - later) <= 4


def test_the_longest_delay_is_a_setting() -> None:
    line = Line(max_delay_ms=300)
    line.run(*on_line(14, hybrid_path, 290 * 8))
    assert abs(line.lag - 290 * 8) <= WITHIN
    beyond = Line(max_delay_ms=300)
    beyond.run(*on_line(14, hybrid_path, 600 * 8))
    assert not beyond.trusted


def test_the_rings_hold_the_reference_of_a_search_near_the_longest_lag() -> None:
    for max_delay_ms in range(100, 1001):
        tracker = DelayTracker(1, max_delay_ms)
        last = tracker._lags - tracker._near_lag.lags
        assert tracker.history >= last + tracker._near_lag.history, max_delay_ms
        assert tracker.history >= tracker._everywhere.history, max_delay_ms


@pytest.mark.parametrize("step_ms", [-80, -25, 40, 150, 400])
def test_follows_a_step_within_a_second_and_a_half_of_echo(step_ms: int) -> None:
    before, after = 3000, 3000 + step_ms * 8
    early, played = on_line(15, hybrid_path, before, seconds=8.0)
    late, _ = on_line(15, hybrid_path, after, seconds=8.0)
    at = 4 * RATE_HZ
    line = Line()
    line.run(early[:at], played[:at])
    assert abs(line.lag - before) <= WITHIN
    hearing = line.hear([late[at:]], [played[at:]])
    relocked_s = next(now for now in hearing if abs(line.lag - after) <= WITHIN)
    assert relocked_s - 4.0 <= 1.5 + abs(step_ms) / 1000
    for _ in hearing:
        assert abs(line.lag - after) <= WITHIN


class Peaks:
    """A correlator that finds what it is given: [lags] of an update, over noise."""

    def __init__(self, like: Correlator) -> None:
        self.lags, self.history = like.lags, like.history
        self._rng = np.random.default_rng(1)
        self.peaks: dict[int, float] = {}
        """Height by lag; a delayed copy alone has 1."""
        self.updates = 0

    def audible(self, reference: Audio) -> Blocks:
        return np.ones((len(reference), self.lags // 8), np.bool_)

    def __call__(self, heard: Audio, reference: Audio, floor_db: Levels) -> Audio:
        self.updates += 1
        found = (0.032 * self._rng.standard_normal((len(heard), self.lags))).astype(np.float32)
        for lag, height in self.peaks.items():
            found[:, lag] += height
        return found


HERE, THERE = 2400, 3100


@pytest.mark.parametrize(
    ("height", "updates", "moves"),
    [(1.2, 1, False), (1.2, 2, True), (2.2, 1, True)],
)
def test_a_trusted_lag_is_left_for_one_that_wins_twice_or_stands_out_clearly(
    monkeypatch: pytest.MonkeyPatch, height: float, updates: int, moves: bool
) -> None:
    """Where two voices talk, one update finds some lag by chance."""
    line = Line(max_delay_ms=400)
    found = Peaks(line.tracker._everywhere)
    monkeypatch.setattr(line.tracker, "_everywhere", found)
    monkeypatch.setattr(line.tracker, "_near_lag", found)
    talk = [speechlike(np.random.default_rng(2), 0.1)]
    found.peaks = {HERE: 1.0}
    for _ in range(20):
        line.run(*talk, *talk)
    assert line.trusted
    assert abs(line.lag - HERE) < 8

    found.peaks, found.updates = {THERE: height}, 0
    for _ in line.hear([np.tile(talk[0], 3)], [np.tile(talk[0], 3)]):
        if found.updates == updates:
            break
    assert abs(line.lag - (THERE if moves else HERE)) < 8


@pytest.mark.parametrize("doubt", [0.0, 1.0])
@pytest.mark.parametrize("slipped", [160, -160, 480])
def test_a_slip_moves_the_lag_at_once_and_the_echo_is_found_there(
    slipped: int, doubt: float
) -> None:
    line = Line()
    caller, played = on_line(16, hybrid_path, 2400, seconds=6.0)
    at = 3 * RATE_HZ
    line.run(caller[:at], played[:at])
    held = line.lag
    line.tracker._rival_score[0] = doubt
    line.tracker.slip(np.array([0]), np.array([slipped], np.int32))
    assert line.lag == held + slipped
    moved, _ = on_line(16, hybrid_path, 2400 + slipped, seconds=6.0)
    for _ in line.hear([moved[at:]], [played[at:]]):
        assert abs(line.lag - held - slipped) <= 8
    assert line.trusted


def test_slips_stay_within_the_lags_there_are() -> None:
    line = Line(slots=2)
    line.tracker.slip(np.array([0, 1]), np.array([-(10**6), 10**6], np.int32))
    assert line.tracker.lag_samples[0] == 0
    assert line.tracker.lag_samples[1] <= 1005 * 8


@pytest.mark.parametrize("seed", [17, 18, 19])
def test_a_caller_who_talks_over_the_bot_without_an_echo_is_no_echo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    played, caller = speechlike(rng, 8.0), speechlike(rng, 8.0, -24.0)
    line = Line()
    assert not any(line.trusted for _ in line.hear([caller], [played]))


@pytest.mark.parametrize("seed", [17, 18, 19])
def test_a_caller_who_talks_over_the_bot_without_an_echo_is_unexplained_soon(seed: int) -> None:
    rng = np.random.default_rng(seed)
    played, caller = speechlike(rng, 3.0), speechlike(rng, 3.0, -24.0)
    line = Line()
    hearing = line.hear([caller], [played])
    assert 0.6 < next(now for now in hearing if line.tracker.unexplained[0]) < 1.5


@pytest.mark.parametrize("path", [hybrid_path, room_path])
@pytest.mark.parametrize("delay_ms", [20, 250, 700])
def test_an_echo_is_never_unexplained(path: Path, delay_ms: int) -> None:
    line = Line()
    caller, played = on_line(40 + delay_ms, path, delay_ms * 8)
    assert not any(line.tracker.unexplained[0] for _ in line.hear([caller], [played]))


def test_the_lag_outlasts_silence() -> None:
    line = Line()
    line.run(*on_line(20, room_path, 1600))
    held = line.lag
    silence = np.zeros(10 * RATE_HZ)
    line.run(line_noise(np.random.default_rng(20), silence.size), silence)
    assert abs(line.lag - held) <= WITHIN
    assert line.trusted


def test_the_lag_outlasts_a_caller_while_the_bot_is_silent() -> None:
    line = Line()
    line.run(*on_line(21, room_path, 1600))
    held = line.lag
    line.run(speechlike(np.random.default_rng(22), 3.0), np.zeros(3 * RATE_HZ))
    assert abs(line.lag - held) <= WITHIN


def test_slots_do_not_see_each_other_and_a_reset_forgets() -> None:
    lines = [on_line(30 + slot, hybrid_path, 800 * (slot + 1)) for slot in range(7)]
    together = Line(slots=7)
    for _ in together.hear([caller for caller, _ in lines], [played for _, played in lines]):
        pass
    expected = 800 * np.arange(1, 8)
    assert np.all(np.abs(together.tracker.lag_samples - expected) <= WITHIN)
    together.tracker.reset(3)
    assert together.tracker.locked.tolist() == [True, True, True, False, True, True, True]
    assert together.tracker.confidence[3] == 0


def test_a_single_window_tells_an_echo_from_another_voice_before_the_lock() -> None:
    echo, stranger = Line(), Line()
    heard, played = on_line(3, hybrid_path, 2400, seconds=1.5)
    other = speechlike(np.random.default_rng(99), 1.5) + line_noise(np.random.default_rng(4), 12000)
    best = {}
    for name, line, caller in (("echo", echo, heard), ("stranger", stranger, other)):
        ratios = []
        for _ in line.hear([caller], [played]):
            if not line.tracker.locked[0]:
                ratios.append(float(line.tracker.ratio_of_window[0]))
        best[name] = max(ratios)
    assert best["echo"] > 2 * best["stranger"] > 0
    assert echo.tracker.locked[0]
