"""What becomes of a caller's audio on its way into the ticks, on simulated lines.

Every sample carries its number, so that where it comes to lie can be read off the blocks. Times are
whole tenths of a millisecond, lines at 8 kHz unless said otherwise.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.transport.reframing import MAX_PACKET_MS, MAX_QUEUED_MS, Block, CallerStream

TICK = 200
BLOCK = 160
PTIMES_MS = (10, 20, 30, 40, 60)
ZEROS = bytes(2 * BLOCK)
NUMBERS = np.tile(np.arange(1, 65536, dtype="<u2"), 2).tobytes()
"""The numbers of samples, twice: any 65535 that follow each other are a slice."""


def numbered(first: int, count: int) -> bytes:
    """Samples numbered from `first`; none is zero, and numbers come again after 65535."""
    start = 2 * (first % 65535)
    return NUMBERS[start : start + 2 * count]


@dataclass
class Run:
    """What one line gave, tick by tick."""

    blocks: list[Block] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """The audio that came out, as sample numbers in the order of playing, without fills."""
        played = np.frombuffer(b"".join(block.pcm for block in self.blocks), "<u2").astype(np.int64)
        played = played[played > 0] - 1
        return list(np.unwrap(played, period=65535)) if played.size else []

    @property
    def lags(self) -> list[int | None]:
        """Per tick: where its last sample of audio lies less where the caller said it."""
        pcm = np.frombuffer(b"".join(block.pcm for block in self.blocks), "<u2").astype(np.int64)
        pcm = pcm.reshape(-1, BLOCK)
        place = BLOCK - 1 - np.argmax(pcm[:, ::-1] > 0, axis=1)
        ticks = np.arange(len(pcm))
        last = pcm[ticks, place]
        lags = (ticks * BLOCK + place - (last - 1)) % 65535
        return [lag if heard else None for lag, heard in zip(lags.tolist(), last, strict=True)]

    @property
    def moved(self) -> list[int | None]:
        """Per tick: how much later its audio lies than the first audio did."""
        known = [lag for lag in self.lags if lag is not None]
        return [
            None if lag is None else (lag - known[0] + 32767) % 65535 - 32767 for lag in self.lags
        ]

    @property
    def filled(self) -> list[int]:
        """Samples filled per tick, from the first audio on."""
        first = next(n for n, block in enumerate(self.blocks) if block.filled < BLOCK)
        return [block.filled for block in self.blocks[first:]]

    def total(self, count: Callable[[Block], int]) -> int:
        return sum(count(block) for block in self.blocks)


def line(frames: Iterable[tuple[int, int]], *, ptime_ms: int, ticks: int, phase: int = 50) -> Run:
    """A line whose frame `n` arrives `late` after its time, for every `n, late` of `frames`."""
    samples = 8 * ptime_ms
    stream = CallerStream(8000)
    run = Run()
    arrivals: list[tuple[int, int]] = []
    for number, late in frames:
        due = phase + number * ptime_ms * 10 + late
        arrivals.append((max(due, arrivals[-1][0] if arrivals else 0), number))
    arrivals.reverse()
    for tick in range(ticks):
        while arrivals and arrivals[-1][0] <= tick * TICK:
            stream.push(numbered(arrivals.pop()[1] * samples, samples))
        run.blocks.append(stream.take())
    return run


def on_time(numbers: Iterable[int]) -> list[tuple[int, int]]:
    return [(number, 0) for number in numbers]


def test_silence_before_the_first_audio_which_leaves_at_once() -> None:
    stream = CallerStream(8000)
    assert stream.take() == Block(ZEROS, BLOCK, 0, 0)
    stream.push(numbered(0, BLOCK))
    assert stream.take() == Block(numbered(0, BLOCK), 0, 0, 0)


def test_a_first_packet_shorter_than_a_tick_ends_its_block() -> None:
    stream = CallerStream(8000)
    stream.push(numbered(0, 80))
    assert stream.take() == Block(bytes(160) + numbered(0, 80), 80, 0, 0)


def test_a_block_is_20_ms_at_16_khz_too() -> None:
    stream = CallerStream(16000)
    stream.push(numbered(0, 480))
    assert len(stream.take().pcm) == 640
    block = stream.take()
    assert len(block.pcm) == 640
    assert block.filled == 160


@pytest.mark.parametrize("ptime_ms", PTIMES_MS)
@given(phase=st.integers(0, 199), jitter=st.lists(st.integers(0, 49), min_size=25, max_size=25))
def test_any_packet_length_costs_one_block_of_fill_at_most(
    ptime_ms: int, phase: int, jitter: list[int]
) -> None:
    frames = [(number, jitter[number % 25]) for number in range(2400 // ptime_ms)]
    run = line(frames, ptime_ms=ptime_ms, ticks=100, phase=phase)
    assert sum(run.filled[1:]) <= BLOCK


@pytest.mark.parametrize("ptime_ms", [10, 20, 40, 60])
@given(
    phase=st.integers(1, 50),
    jitter=st.lists(st.integers(0, 49), min_size=25, max_size=25),
)
def test_no_fill_ever_where_the_jitter_stays_between_two_ticks(
    ptime_ms: int, phase: int, jitter: list[int]
) -> None:
    frames = [(number, jitter[number % 25]) for number in range(6000 // ptime_ms)]
    run = line(frames, ptime_ms=ptime_ms, ticks=290, phase=phase)
    assert not any(run.filled[1:])
    assert {block.slipped for block in run.blocks} == {0}


@given(
    ptime_ms=st.sampled_from(PTIMES_MS),
    phase=st.integers(0, 199),
    late=st.lists(st.integers(0, 3000), min_size=40, max_size=40),
    lost=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_no_sample_is_invented_moved_or_lost_in_the_books(
    ptime_ms: int, phase: int, late: list[int], lost: list[bool]
) -> None:
    frames = [(number, late[number]) for number in range(40) if not lost[number]]
    run = line(frames, ptime_ms=ptime_ms, ticks=160, phase=phase)
    assert all(len(block.pcm) == 2 * BLOCK for block in run.blocks)
    numbers = run.numbers
    assert all(a < b for a, b in pairwise(numbers))
    sent = {number * 8 * ptime_ms + n for number, _ in frames for n in range(8 * ptime_ms)}
    assert sent.issuperset(numbers)
    assert len(numbers) == len(run.blocks) * BLOCK - run.total(lambda block: block.filled)
    assert len(numbers) + run.total(lambda block: block.dropped) == len(sent)


@pytest.mark.parametrize("ptime_ms", [20, 40, 60])
@given(lost=st.sets(st.integers(1, 90)))
def test_lost_packets_are_filled_in_place_and_nothing_slips(ptime_ms: int, lost: set[int]) -> None:
    frames = on_time(number for number in range(100) if number not in lost)
    run = line(frames, ptime_ms=ptime_ms, ticks=100 * ptime_ms // 20)
    assert {moved for moved in run.moved if moved is not None} == {0}
    assert sum(run.filled) == len(lost) * 8 * ptime_ms
    assert {block.slipped for block in run.blocks} == {0}


@given(
    ptime_ms=st.sampled_from(PTIMES_MS),
    phase=st.integers(0, 199),
    jitter=st.lists(st.integers(0, 49), min_size=25, max_size=25),
    lost=st.sets(st.integers(1, 150), max_size=60),
)
def test_losses_do_not_add_up(ptime_ms: int, phase: int, jitter: list[int], lost: set[int]) -> None:
    count = 6000 // ptime_ms
    frames = [(n, jitter[n % 25]) for n in range(count) if n not in lost]
    run = line(frames, ptime_ms=ptime_ms, ticks=295, phase=phase)
    last = next(moved for moved in reversed(run.moved) if moved is not None)
    assert abs(last) <= BLOCK


def test_a_digit_is_a_hole_and_no_slip() -> None:
    run = line(on_time([*range(50), *range(59, 120)]), ptime_ms=20, ticks=120)
    assert sum(run.filled[1:]) == 9 * BLOCK
    assert {moved for moved in run.moved if moved is not None} == {0}
    assert {block.slipped for block in run.blocks} == {0}


def test_a_late_packet_slips_in_its_tick_and_the_line_recovers_in_2_s() -> None:
    frames = [(number, 170 if number == 10 else 0) for number in range(200)]
    run = line(frames, ptime_ms=20, ticks=180)
    due = 11
    assert run.blocks[due] == Block(ZEROS, BLOCK, 0, 0)
    assert run.blocks[due + 1] == Block(numbered(10 * BLOCK, BLOCK), 0, 0, BLOCK)
    assert run.moved[due + 1] == BLOCK
    slips = [(tick, block.slipped) for tick, block in enumerate(run.blocks) if block.slipped]
    assert slips == [(due + 1, BLOCK), (due + 101, -BLOCK)]
    assert run.blocks[due + 101].dropped == BLOCK
    assert run.moved[-1] == 0


def test_a_line_that_needs_the_reserve_keeps_it() -> None:
    frames = [(number, 170 if number % 30 == 10 else 0) for number in range(500)]
    run = line(frames, ptime_ms=20, ticks=490)
    assert sum(run.filled[1:]) == BLOCK
    assert run.total(lambda block: block.slipped) == BLOCK


@pytest.mark.parametrize(
    ("lost", "slipped"),
    [(None, 0), (30, 0), (98, BLOCK)],
    ids=["no loss", "a loss long ago", "a loss just now, which may have been late"],
)
def test_a_line_that_gets_faster_moves_nothing(lost: int | None, slipped: int) -> None:
    frames = [(n, 400 if n < 100 else 0) for n in range(150) if n != lost]
    run = line(frames, ptime_ms=20, ticks=145)
    assert run.moved[-1] == 0
    assert run.total(lambda block: block.slipped) == slipped


def test_a_long_pause_does_not_make_a_line_forget_its_habits() -> None:
    late = [0, 170, 0, 170, 170]
    numbers = [*range(100), *range(400, 500)]
    run = line([(n, late[n % 5]) for n in numbers], ptime_ms=20, ticks=495)
    assert run.moved[-1] == run.total(lambda block: block.slipped) == BLOCK


@given(
    phase=st.integers(0, 199),
    jitter=st.lists(st.integers(0, 150), min_size=25, max_size=25),
    stalls=st.dictionaries(st.integers(1, 150), st.integers(200, 2000), max_size=3),
)
def test_without_losses_slips_are_exactly_what_moved(
    phase: int, jitter: list[int], stalls: dict[int, int]
) -> None:
    frames = [(n, jitter[n % 25] + stalls.get(n, 0)) for n in range(300)]
    run = line(frames, ptime_ms=20, ticks=295, phase=phase)
    assert run.moved[-1] == run.total(lambda block: block.slipped)


def test_a_stalled_connection_comes_back_bounded_and_then_catches_up() -> None:
    frames = [
        (number, max(0, 10000 - 200 * (number - 50)) if number >= 50 else 0)
        for number in range(400)
    ]
    run = line(frames, ptime_ms=20, ticks=390)
    moved = [0 if value is None else value for value in run.moved]
    assert max(moved) <= 8 * MAX_QUEUED_MS
    slipped = np.cumsum([block.slipped for block in run.blocks])
    assert moved[101:] == list(slipped[101:]), "known from the tick in which it comes back"
    assert moved[101] > 0
    assert moved[-1] == 0
    assert not any(block.filled for block in run.blocks[101:])


@pytest.mark.parametrize("packet_ms", [220, 400, 1000])
def test_long_packets_come_out_whole(packet_ms: int) -> None:
    stream, samples = CallerStream(8000), 8 * packet_ms
    blocks = []
    for number in range(5):
        stream.push(numbered(number * samples, samples))
        blocks += [stream.take() for _ in range(packet_ms // 20)]
    assert b"".join(block.pcm for block in blocks) == numbered(0, 5 * samples)
    assert not any(block.dropped for block in blocks)


def test_a_flood_of_long_packets_is_bounded() -> None:
    stream = CallerStream(8000)
    for number in range(20):
        stream.push(numbered(number * 16_000, 16_000))
    block = stream.take()
    assert 20 * 16_000 - block.dropped == 8 * (MAX_PACKET_MS + MAX_QUEUED_MS)


def test_a_flood_is_bounded() -> None:
    stream = CallerStream(8000)
    for number in range(100):
        stream.push(numbered(number * 1600, 1600))
    block = stream.take()
    assert block.pcm == numbered(99 * 1600, BLOCK), "the newest 200 ms are kept"
    assert block.dropped == 100 * 1600 - 8 * MAX_QUEUED_MS
