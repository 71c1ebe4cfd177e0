"""The ring of recent audio."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media_pod.duplex.ring import AudioRing

BLOCK = 8


@given(
    pushes=st.integers(1, 30),
    length=st.integers(1, 60),
    lag=st.integers(0, 60),
    samples=st.integers(1, 60),
)
def test_a_window_of_the_past_is_what_was_pushed_then(
    pushes: int, length: int, lag: int, samples: int
) -> None:
    ring = AudioRing(2, length, BLOCK)
    sent = np.arange(1, pushes * BLOCK + 1, dtype=np.float32)
    for block in sent.reshape(-1, BLOCK):
        ring.push(np.stack([block, -block]))
    samples = min(samples, length)
    lag = min(lag, length - samples)
    padded = np.concatenate([np.zeros(length, np.float32), sent])
    expected = padded[padded.size - lag - samples : padded.size - lag]
    rows, lags = np.array([1, 0]), np.array([lag, lag])
    assert np.array_equal(ring.ago(rows, lags, samples), np.stack([-expected, expected]))
    if lag == 0:
        assert np.array_equal(ring.last(samples), np.stack([expected, -expected]))


def test_each_row_has_a_lag_of_its_own() -> None:
    ring = AudioRing(3, 16, BLOCK)
    for start in (0, 8, 16):
        ring.push(np.tile(np.arange(start, start + BLOCK, dtype=np.float32), (3, 1)))
    windows = ring.ago(np.array([0, 1, 2]), np.array([0, 5, 12]), 2)
    assert windows.tolist() == [[22, 23], [17, 18], [10, 11]]


def test_a_cleared_row_is_silent_and_the_others_are_not() -> None:
    ring = AudioRing(2, 16, BLOCK)
    ring.push(np.ones((2, BLOCK), np.float32))
    ring.clear(0)
    assert not ring.last(16)[0].any()
    assert ring.last(BLOCK)[1].all()
