import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.network.carrier_canceller import CarrierCancellerModel
from interject_lab.network.impairments import CarrierCanceller
from interject_lab.network.levels import power, to_db
from lab.conftest import Talk

Signal = NDArray[np.float64]

NOISE_DBFS = -60.0
TICKS = 200
END = TICKS * 160


def run(echo: Signal, near: Signal, *, opens_after_ms: float = 30.0, seed: int = 1) -> Signal:
    settings = CarrierCanceller(25.0, opens_after_ms, NOISE_DBFS)
    model = CarrierCancellerModel(settings, 8000, np.random.default_rng(seed))
    ticks = zip(echo.reshape(-1, 160), near.reshape(-1, 160), strict=True)
    return np.concatenate([model.step(*both) for both in ticks])


@pytest.fixture
def echo(talk: Talk) -> Signal:
    return talk(4.0, level_dbfs=-30.0).astype(np.float64)


def test_of_echo_alone_comfort_noise_is_left(echo: Signal) -> None:
    out = run(echo, np.zeros(END))
    assert to_db(power(out[8000:])) == pytest.approx(NOISE_DBFS, abs=0.5)


def test_double_talk_has_the_caller_and_the_echo_less_its_loss(echo: Signal, talk: Talk) -> None:
    near = talk(4.0, seed=7, level_dbfs=-25.0).astype(np.float64)
    near[:16_000] = 0
    out = run(echo, near)
    residual = echo * 10 ** (-25 / 20)
    settled = slice(16_000 + 1600, None)
    np.testing.assert_allclose(out[settled], (near + residual)[settled], atol=1e-6)


@pytest.mark.parametrize("opens_after_ms", [20.0, 40.0])
def test_the_callers_first_sound_over_echo_is_cut(echo: Signal, opens_after_ms: float) -> None:
    near = np.zeros(END)
    near[16_000:] = 3000.0
    out = run(echo, near, opens_after_ms=opens_after_ms)
    first_heard = int(np.flatnonzero(out[16_000:] > 2000)[0])
    # The gate opens within one block of 5 ms.
    assert 0 <= first_heard / 8 - opens_after_ms <= 5


def test_a_caller_without_echo_passes_from_the_first_sample() -> None:
    near = np.full(END, 3000.0)
    np.testing.assert_array_equal(run(np.zeros(END), near), near)


def test_a_pause_between_syllables_keeps_it_open_and_the_end_of_talk_closes_it() -> None:
    echo, near = np.full(END, 500.0), np.full(END, 2000.0)
    near[16_000:16_800] = 0  # 100 ms
    near[24_000:] = 0
    out = run(echo, near)
    residual = 500 * 10 ** (-25 / 20)
    np.testing.assert_allclose(out[16_000:16_800], residual)
    np.testing.assert_allclose(out[16_800:17_000], 2000 + residual)
    assert to_db(power(out[24_000 + 1240 :])) == pytest.approx(NOISE_DBFS, abs=0.5)


def test_the_loss_grows_over_half_a_second_of_echo() -> None:
    near = np.full(END, 20_000.0)
    left = run(np.full(END, 1000.0), near, opens_after_ms=0) - near
    np.testing.assert_allclose(left[2000], 1000 * 10 ** (-25 / 2 / 20), rtol=0.1)
    np.testing.assert_allclose(left[4000:], 1000 * 10 ** (-25 / 20))


def test_the_same_seed_gives_the_same_comfort_noise(echo: Signal) -> None:
    quiet = np.zeros(END)
    np.testing.assert_array_equal(run(echo, quiet, seed=3), run(echo, quiet, seed=3))
    assert not np.array_equal(run(echo, quiet, seed=3), run(echo, quiet, seed=4))
