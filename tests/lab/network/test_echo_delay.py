import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from interject_lab.network.echo_delay import EchoDelay

Signal = NDArray[np.float64]

TICK = 160


def delayed(delay: EchoDelay, sound: Signal) -> Signal:
    return np.concatenate([delay.step(frame).copy() for frame in sound.reshape(-1, TICK)])


def make(lag: int, drift_ppm: float) -> EchoDelay:
    return EchoDelay([0], [lag], drift_ppm, rate_hz=8000, tick_samples=TICK)


def tone(frequency_hz: float, at: Signal) -> Signal:
    return np.asarray(np.sin(2 * np.pi * frequency_hz * at / 8000))


@settings(max_examples=8, deadline=None)
@given(
    lag=st.integers(40, 800),
    drift_ppm=st.floats(-300, 300).filter(lambda ppm: abs(ppm) > 1),
    frequency_hz=st.floats(100, 3400),
)
def test_a_drifting_echo_is_the_sound_at_times_that_move_evenly(
    lag: int, drift_ppm: float, frequency_hz: float
) -> None:
    at = np.arange(2 * 8000, dtype=np.float64)
    delay = make(lag, drift_ppm)
    echo = delayed(delay, tone(frequency_hz, at))
    drifted = lag + drift_ppm * 1e-6 * at
    settled = slice(1000, None)
    expected = tone(frequency_hz, at - drifted)
    # The interpolator's 1.1e-3, and the crossfade of a tick's two lags: (2.67 * 0.048)^2 / 8.
    assert np.max(np.abs(echo - expected)[settled]) < 3.2e-3
    assert delay.lag_at(16_000) == pytest.approx(lag + drift_ppm * 1e-6 * 16_000)


def test_no_tick_has_an_edge() -> None:
    echo = delayed(make(200, 300.0), tone(200, np.arange(32_000.0)))[1600:]
    # The third difference of the tone itself; an edge of the lag's 0.05 samples has six times that.
    assert np.max(np.abs(np.diff(echo, 3))) < 1.05 * (2 * np.pi * 200 / 8000) ** 3


def test_without_drift_the_sound_is_moved_and_not_touched() -> None:
    sound = np.random.default_rng(1).standard_normal(3200)
    echo = delayed(make(7, 0.0), sound)
    np.testing.assert_array_equal(echo[7:], sound[:-7])


def test_a_drifting_lag_ends_where_the_interpolator_needs_the_future() -> None:
    delay = make(30, -1000.0)
    echo = delayed(delay, tone(440, np.arange(16_000.0)))
    assert delay.lag_at(15_999) == 24
    np.testing.assert_allclose(echo[-160:], tone(440, np.arange(15_840.0, 16_000) - 24), atol=2e-3)


def test_steps_and_drift_add_up() -> None:
    delay = EchoDelay([0, 8000], [400, 1200], 250.0, rate_hz=8000, tick_samples=TICK)
    at = np.arange(16_000.0)
    echo = delayed(delay, tone(440, at))
    for sample in (7999, 8000, 15_999):
        lag = delay.lag_at(sample)
        assert lag == pytest.approx((400 if sample < 8000 else 1200) + 250e-6 * sample)
        assert echo[sample] == pytest.approx(tone(440, at[sample] - lag), abs=2e-3)
