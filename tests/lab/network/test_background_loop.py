import numpy as np
import pytest

from interject_lab.network.background_loop import BackgroundLoop
from interject_lab.network.impairments import Background
from interject_lab.network.levels import power, to_db


@pytest.mark.parametrize("period", [1, 100, 160, 1234])
def test_it_is_the_recording_over_and_over_at_its_level(period: int) -> None:
    pcm = np.random.default_rng(1).integers(-9000, 9000, period).astype(np.int16)
    loop = BackgroundLoop(Background(pcm, -40.0), 160, np.random.default_rng(2))
    heard = np.concatenate([loop.step() for _ in range(50)])
    np.testing.assert_array_equal(heard[period:], heard[:-period])
    assert to_db(power(heard[:period])) == pytest.approx(-40.0, abs=0.01)
    gain = np.max(np.abs(heard)) / np.max(np.abs(pcm.astype(float)))
    begin = next(
        at for at in range(period) if np.allclose(np.roll(pcm, -at) * gain, heard[:period])
    )
    assert 0 <= begin < period


def test_it_begins_elsewhere_in_every_call() -> None:
    background = Background(np.arange(-4000, 4000, dtype=np.int16), -40.0)
    first, again, other = (
        BackgroundLoop(background, 160, np.random.default_rng(seed)).step() for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
