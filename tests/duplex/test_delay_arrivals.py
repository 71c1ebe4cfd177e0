"""The strongest arrival in a correlation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_pod.duplex.delay.arrivals import SPREAD, strongest
from media_pod.duplex.delay.correlation import BLOCK

LAGS = 2040
ALL = np.ones((1, LAGS // BLOCK), np.bool_)


def noise(seed: int) -> NDArray[np.float32]:
    return 0.01 * np.random.default_rng(seed).standard_normal((1, LAGS)).astype(np.float32)


@given(lag=st.integers(0, LAGS - SPREAD), seed=st.integers(0, 1000))
def test_a_single_peak_is_found_to_the_lag(lag: int, seed: int) -> None:
    memory = noise(seed)
    memory[0, lag] = 0.5
    found = strongest(memory, ALL)
    assert found.lag[0] == lag
    assert found.ratio[0] > 20


@given(lag=st.integers(200, LAGS - 100), seed=st.integers(0, 1000))
def test_its_energy_is_about_the_most_that_any_5_ms_hold(lag: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    memory = noise(seed)
    memory[0, lag : lag + 60] += 0.2 * rng.standard_normal(60).astype(np.float32)
    energy = np.convolve(memory[0].astype(np.float64) ** 2, np.ones(SPREAD), "valid")
    most = energy.max() / energy[::BLOCK].mean()
    # Blocks are compared first: where two stretches hold nearly the same, the lesser may win.
    assert 0.75 * most < strongest(memory, ALL).ratio[0] < 1.001 * most


def test_many_weak_lags_outweigh_one_high_one() -> None:
    memory = np.zeros((1, LAGS), np.float32)
    memory[0, 300] = 0.2
    memory[0, 1000 : 1000 + SPREAD] = 0.08
    assert strongest(memory, ALL).lag[0] == pytest.approx(1000, abs=2)


def test_the_first_arrival_counts_not_the_strongest() -> None:
    memory = noise(1)
    memory[0, 900] = 0.3
    memory[0, 990:1030] = 0.3
    assert strongest(memory, ALL).lag[0] == 900


def test_only_what_is_near_is_searched_if_asked() -> None:
    memory = noise(2)
    memory[0, 200], memory[0, 1500] = 0.5, 0.3
    near = strongest(memory, ALL, np.array([1400]), within=300)
    assert strongest(memory, ALL).lag[0] == 200
    assert near.lag[0] == 1500
    assert near.energy_at(np.array([1510]))[0] == pytest.approx(near.ratio[0], rel=0.1)
    assert near.energy_at(np.array([1000]))[0] < 5


def test_lags_that_have_learned_nothing_do_not_make_the_rest_stand_out() -> None:
    memory = noise(3)
    memory[0, LAGS // 2 :] = 0
    half = ALL.copy()
    half[0, half.shape[1] // 2 :] = False
    assert strongest(memory, half).ratio[0] < 4
