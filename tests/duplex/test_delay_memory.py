"""The memory of past correlations, in whole and in part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_pod.duplex.delay.correlation import BLOCK, Blocks
from media_pod.duplex.delay.memory import LagMemory

LAGS = 40 * BLOCK
PART = 16 * BLOCK
SLOTS = 3

Floats = NDArray[np.float32]


def drawn(rng: np.random.Generator, lags: int) -> tuple[Floats, Blocks]:
    correlation = rng.standard_normal((SLOTS, lags)).astype(np.float32)
    return correlation, rng.random((SLOTS, lags // BLOCK)) < 0.7


def everything(memory: LagMemory) -> tuple[Floats, Floats]:
    """What is remembered of all lags, without learning."""
    nothing = np.zeros((SLOTS, LAGS // BLOCK), np.bool_)
    found = memory.learn(
        np.arange(SLOTS), np.zeros(SLOTS, np.intp), np.zeros((SLOTS, LAGS), np.float32), nothing
    )
    return found.slow, found.quick


@given(
    seed=st.integers(0, 2**31),
    first=st.lists(st.integers(0, (LAGS - PART) // BLOCK), min_size=SLOTS, max_size=SLOTS),
)
def test_a_part_learns_what_the_whole_would_learn_there_and_nothing_else(
    seed: int, first: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    rows, starts = np.arange(SLOTS), BLOCK * np.array(first)
    in_part, in_whole = LagMemory(SLOTS, LAGS), LagMemory(SLOTS, LAGS)
    before, everywhere = drawn(rng, LAGS)
    for memory in (in_part, in_whole):
        memory.learn(rows, np.zeros(SLOTS, np.intp), before, everywhere)

    correlation, audible = drawn(rng, PART)
    found = in_part.learn(rows, starts, correlation, audible)
    whole, flags = np.zeros_like(before), np.zeros_like(everywhere)
    for row, start in enumerate(starts.tolist()):
        whole[row, start : start + PART] = correlation[row]
        flags[row, start // BLOCK : (start + PART) // BLOCK] = audible[row]
    in_whole.learn(rows, np.zeros(SLOTS, np.intp), whole, flags)

    for one, other in zip(everything(in_part), everything(in_whole), strict=True):
        assert np.array_equal(one, other)
    slow, _ = everything(in_part)
    for row, start in enumerate(starts.tolist()):
        assert np.array_equal(found.slow[row], slow[row, start : start + PART])


@pytest.mark.parametrize("by", [0, 3, -5, BLOCK, LAGS, -2 * LAGS])
def test_a_slip_moves_what_one_slot_remembers(by: int) -> None:
    memory = LagMemory(SLOTS, LAGS)
    correlation, _ = drawn(np.random.default_rng(1), LAGS)
    every = np.ones((SLOTS, LAGS // BLOCK), np.bool_)
    memory.learn(np.arange(SLOTS), np.zeros(SLOTS, np.intp), correlation, every)
    before, _ = everything(memory)

    memory.slip(1, by)

    after, _ = everything(memory)
    assert np.array_equal(after[[0, 2]], before[[0, 2]])
    for lag in range(LAGS):
        held = before[1, lag - by] if 0 <= lag - by < LAGS else 0
        assert after[1, lag] == held


def test_a_reset_forgets_one_slot() -> None:
    memory = LagMemory(SLOTS, LAGS)
    correlation, audible = drawn(np.random.default_rng(2), LAGS)
    memory.learn(np.arange(SLOTS), np.zeros(SLOTS, np.intp), correlation, audible)
    memory.reset(1)
    for kept in everything(memory):
        assert not kept[1].any()
        assert kept[0].any()
        assert kept[2].any()
