import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.network.impairments import NOTHING, Loss
from interject_lab.network.lossy_uplink import LossyUplink


def frame_of(tick: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.full(160, tick % 30_000 + 1, np.int16)


def sent(loss: Loss, ticks: int, seed: int = 1) -> tuple[list[int], LossyUplink]:
    """The index of the frame that each tick carries, by its content."""
    uplink = LossyUplink(loss, 160, np.random.default_rng(seed))
    carried = []
    for tick in range(ticks):
        frame = uplink.step(frame_of(tick))
        index = int(frame[0]) - 1
        assert uplink.near_tick == (NOTHING if index < 0 else index)
        carried.append(uplink.near_tick)
    return carried, uplink


@pytest.mark.parametrize("filled", [True, False])
def test_a_line_that_loses_nothing_sends_every_frame_at_once(filled: bool) -> None:
    assert sent(Loss(0.0, 1.0, filled), 200)[0] == list(range(200))


@pytest.mark.parametrize(("share", "burst_ticks"), [(0.03, 1.0), (0.03, 3.0), (0.2, 2.0)])
def test_the_share_and_the_bursts_are_as_asked(share: float, burst_ticks: float) -> None:
    carried, _ = sent(Loss(share, burst_ticks, True), 29_000)
    lost = np.array(carried) == NOTHING
    bursts = np.count_nonzero(np.diff(lost.astype(int)) == 1)
    assert np.mean(lost) == pytest.approx(share, rel=0.2)
    assert np.count_nonzero(lost) / bursts == pytest.approx(burst_ticks, rel=0.15)


def test_silence_in_a_lost_frames_place_moves_nothing() -> None:
    carried, uplink = sent(Loss(0.1, 2.0, True), 1000)
    assert all(index in (NOTHING, tick) for tick, index in enumerate(carried))
    assert uplink.lateness_at(999) == 0


def test_a_vanished_frame_brings_the_next_one_early_until_silence_puts_it_back() -> None:
    carried, uplink = sent(Loss(0.002, 1.0, False), 1000, seed=10)
    lateness = np.array([tick - index for tick, index in enumerate(carried)])
    assert carried[:2] == [NOTHING, NOTHING]
    assert carried[2] == 0
    slip = int(np.flatnonzero(lateness[2:] == 1)[0]) + 2
    assert carried[slip - 1 : slip + 2] == [slip - 3, slip - 1, slip]
    back = slip + int(np.flatnonzero(np.array(carried[slip:]) == NOTHING)[0])
    assert 50 <= back - slip <= 200
    assert carried[back + 1] == back - 1
    assert [uplink.lateness_at(at) for at in (0, slip - 1, slip, back - 1, back)] == [2, 2, 1, 1, 2]


@given(st.integers(0, 1000), st.floats(0.01, 0.2), st.floats(1, 6))
def test_whatever_vanishes_frames_keep_their_order_and_are_at_most_two_late(
    seed: int, share: float, burst_ticks: float
) -> None:
    carried, uplink = sent(Loss(share, burst_ticks, False), 400, seed)
    indices = [index for index in carried if index != NOTHING]
    assert indices == sorted(set(indices))
    for tick, index in enumerate(carried):
        assert 0 <= uplink.lateness_at(tick) <= 2
        if index != NOTHING:
            assert tick - index == uplink.lateness_at(tick)
