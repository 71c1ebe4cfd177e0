import math

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.errors import LabError
from interject_lab.network.impairments import Impairments
from interject_lab.network.levels import active_level_dbfs
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import EchoPath, hybrid, measured, room, single_tap
from lab.conftest import Talk

Pcm = NDArray[np.int16]

QUIET = np.zeros(160, np.int16)
ONE_TAP = EchoPath("hybrid", 8000, np.array([1.0]))


def run(line: TelephoneLine, bot: Pcm, near: Pcm | None = None) -> Pcm:
    frames = bot[: bot.size // 160 * 160].reshape(-1, 160)
    nears = np.zeros_like(frames) if near is None else near.reshape(-1, 160)
    return np.concatenate([line.step(b, n) for b, n in zip(frames, nears, strict=True)])


def make(bot: Pcm, path: EchoPath = ONE_TAP, **changes: object) -> TelephoneLine:
    settings: dict[str, object] = {
        "erl_db": 15.0,
        "delays": [DelayStep(0, 250)],
        "law": None,
        "noise_dbfs": -math.inf,
        "rng": np.random.default_rng(7),
    }
    return TelephoneLine(8000, path, bot_speech=bot, **(settings | changes))  # type: ignore[arg-type]


def path_of(kind: str) -> EchoPath:
    rng = np.random.default_rng(3)
    if kind == "measured":
        return measured(rng.standard_normal(300) * np.exp(-np.arange(300) / 40), 8000)
    return single_tap() if kind == "single_tap" else (hybrid if kind == "hybrid" else room)(rng)


@pytest.mark.parametrize("kind", ["hybrid", "room", "single_tap", "measured"])
@pytest.mark.parametrize("overdrive", [None, 3.0])
@pytest.mark.parametrize("erl_db", [6.0, 15.0, 30.0])
def test_the_echo_lies_erl_below_the_bot(
    kind: str, erl_db: float, overdrive: float | None, talk: Talk
) -> None:
    bot = talk(4.0)
    line = make(
        bot,
        path_of(kind),
        erl_db=erl_db,
        delays=[DelayStep(0, 0)],
        law="mu",
        impairments=Impairments(overdrive=overdrive),
    )
    echo = run(line, bot)
    loss_db = active_level_dbfs(bot, 8000) - active_level_dbfs(echo, 8000)
    assert loss_db == pytest.approx(erl_db, abs=0.5)


def test_tick_by_tick_is_the_same_as_one_convolution(talk: Talk) -> None:
    bot, near = talk(2.0), talk(2.0, seed=5, level_dbfs=-30)
    path = room(np.random.default_rng(4))
    echo = run(make(bot, path, erl_db=10.0, delays=[DelayStep(0, 100)]), bot)
    whole = np.convolve(bot.astype(np.float64), path.taps)[: bot.size - 800]
    gain = np.dot(echo[800:], whole) / np.dot(whole, whole)
    np.testing.assert_array_equal(echo[:800], 0)
    np.testing.assert_allclose(echo[800:], gain * whole, atol=0.6)

    both = run(make(bot, path, erl_db=10.0, delays=[DelayStep(0, 100)]), bot, near)
    np.testing.assert_array_equal(both, echo + near)


def test_the_delay_follows_its_schedule_and_tells_the_truth() -> None:
    clicks = np.zeros(24_000, np.int16)
    clicks[800::4000] = 10_000
    steps = [DelayStep(0, 250), DelayStep(1.5, 310), DelayStep(2.0, 20.5)]
    line = make(clicks, erl_db=0.0, delays=steps)
    echo = run(line, clicks)
    heard = np.flatnonzero(np.abs(echo) > 5000)
    delays_ms = {250.0: 2000, 310.0: 2480, 20.5: 164}
    for at in heard:
        lag = delays_ms[line.delay_at(int(at))]
        assert clicks[at - lag] == 10_000
    assert [line.delay_at(at) for at in (0, 11_999, 12_000, 15_999, 16_000)] == [
        250, 250, 310, 310, 20.5,
    ]  # fmt: skip


def test_the_true_delay_counts_the_path_itself() -> None:
    path = EchoPath("hybrid", 8000, np.array([0, 0, 0.1, 0, 1.0, 0.3]))
    assert make(np.full(8000, 1000, np.int16), path).delay_at(0) == 250.5


def test_overload_saturates_instead_of_wrapping(talk: Talk) -> None:
    loud = np.full(1600, 30_000, np.int16)
    heard = run(make(loud, erl_db=0.0, delays=[DelayStep(0, 0)]), loud, loud)
    assert np.all(heard == 32767)


def test_noise_has_its_level_and_comes_from_the_seed(talk: Talk) -> None:
    def noise(seed: int) -> Pcm:
        rng = np.random.default_rng(seed)
        line = make(talk(1.0), erl_db=math.inf, noise_dbfs=-50.0, rng=rng)
        return run(line, np.zeros(16_000, np.int16))

    assert active_level_dbfs(noise(1), 8000) == pytest.approx(-50, abs=0.3)
    np.testing.assert_array_equal(noise(1), noise(1))
    assert not np.array_equal(noise(1), noise(2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delays": []}, r"the delay steps are at \[\] s: expected times in order, the first 0"),
        ({"delays": [DelayStep(1, 20)]}, r"at \[1\] s: expected times in order"),
        ({"delays": [DelayStep(0, 2500)]}, "a delay of 2500 ms: expected 0 to 2000 ms"),
        ({"path": EchoPath("room", 16000, np.ones(1))}, "is for 16000 Hz, the line runs at 8000"),
        ({"bot": np.zeros(8000, np.int16)}, "the bot speech to calibrate the echo on is silent"),
    ],
)
def test_what_cannot_be_a_line_says_why(
    changes: dict[str, object], message: str, talk: Talk
) -> None:
    with pytest.raises(LabError, match=message):
        make(**({"bot": talk(1.0)} | changes))  # type: ignore[arg-type]
