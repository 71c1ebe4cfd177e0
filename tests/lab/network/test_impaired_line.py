import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from interject_lab.errors import LabError
from interject_lab.network.impairments import (
    NOTHING,
    Background,
    CarrierCanceller,
    Impairments,
    Loss,
    LowRate,
)
from interject_lab.network.levels import active_level_dbfs, power, to_db
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import hybrid, single_tap
from lab.conftest import Talk

Pcm = NDArray[np.int16]

EVERYTHING = Impairments(
    low_rate="amr_7950",
    drift_ppm=120.0,
    loss=Loss(0.03, 2.0, filled=False),
    carrier_canceller=CarrierCanceller(25.0, 30.0, -62.0),
    overdrive=3.0,
    background=Background(np.arange(-5000, 5000, dtype=np.int16), -45.0),
)


def make(bot: Pcm, impairments: Impairments, **changes: object) -> TelephoneLine:
    settings: dict[str, object] = {
        "erl_db": 0.0,
        "delays": [DelayStep(0, 100)],
        "law": None,
        "noise_dbfs": -math.inf,
        "rng": np.random.default_rng(7),
    }
    return TelephoneLine(
        8000,
        single_tap(),
        bot_speech=bot,
        impairments=impairments,
        **(settings | changes),  # type: ignore[arg-type]
    )


def run(line: TelephoneLine, bot: Pcm, near: Pcm | None = None) -> tuple[Pcm, list[int]]:
    """The returned stream, and the near frame that each tick carries."""
    nears = np.zeros_like(bot) if near is None else near
    heard, carried = [], []
    for both in zip(bot.reshape(-1, 160), nears.reshape(-1, 160), strict=True):
        heard.append(line.step(*both))
        carried.append(line.near_tick)
    return np.concatenate(heard), carried


def clicks(seconds: int) -> Pcm:
    sound = np.zeros(seconds * 8000, np.int16)
    sound[80::400] = 10_000
    return sound


def band_noise(seconds: float) -> Pcm:
    sections = signal.butter(4, (300, 1500), "bandpass", fs=8000, output="sos")
    noise = np.random.default_rng(5).standard_normal(round(seconds * 8000))
    return np.asarray(signal.sosfilt(sections, noise) * 6000, np.int16)


def lag_of(heard: Pcm, sent: Pcm) -> int:
    correlation = signal.correlate(heard.astype(float), sent.astype(float))
    return int(np.argmax(correlation)) - (sent.size - 1)


@pytest.mark.parametrize("drift_ppm", [-300.0, 80.0, 300.0])
def test_drift_moves_the_echo_by_its_rate_times_the_time(drift_ppm: float) -> None:
    bot = clicks(20)
    line = make(bot, Impairments(drift_ppm=drift_ppm))
    heard, _ = run(line, bot)
    last = int(np.flatnonzero(bot[:-1600])[-1])
    late = int(np.argmax(heard[last + 600 : last + 1100])) + 600
    assert late - 800 == pytest.approx(drift_ppm * 1e-6 * (last + 800), abs=0.51)
    assert line.delay_at(last + late) * 8 == pytest.approx(late, abs=0.51)


@pytest.mark.parametrize("loss", [Loss(0.0, 1.0, True), Loss(0.0, 3.0, False)])
def test_zero_loss_is_the_line_without_it(loss: Loss, talk: Talk) -> None:
    bot, near = talk(2.0), talk(2.0, seed=5)
    heard, carried = run(make(bot, Impairments(loss=loss), noise_dbfs=-50.0), bot, near)
    plain, also_carried = run(make(bot, Impairments(), noise_dbfs=-50.0), bot, near)
    np.testing.assert_array_equal(heard, plain)
    assert carried == also_carried == list(range(100))


def test_lost_frames_are_silence_and_the_others_as_without_loss(talk: Talk) -> None:
    bot, near = talk(2.0), talk(2.0, seed=5)
    lossy = make(bot, Impairments(loss=Loss(0.1, 2.0, True)), noise_dbfs=-50.0)
    heard, carried = run(lossy, bot, near)
    plain, _ = run(make(bot, Impairments(), noise_dbfs=-50.0), bot, near)
    lost = np.array(carried) == NOTHING
    assert 2 < np.count_nonzero(lost) < 30
    assert not np.any(heard.reshape(-1, 160)[lost])
    np.testing.assert_array_equal(heard.reshape(-1, 160)[~lost], plain.reshape(-1, 160)[~lost])


def test_vanished_frames_take_echo_and_caller_along() -> None:
    bot = clicks(10)
    near = np.repeat(np.arange(500, dtype=np.int16), 160)
    line = make(bot, Impairments(loss=Loss(0.02, 1.5, False)))
    heard, carried = run(line, bot, near)
    lateness = {tick - index for tick, index in enumerate(carried) if index != NOTHING}
    assert {1, 2} <= lateness
    for tick, index in enumerate(carried):
        if index != NOTHING:
            assert heard[tick * 160 + 40] == index  # no click comes there
    for at in np.flatnonzero(heard > 5000):
        lag = line.delay_at(int(at)) * 8
        assert lag in (800, 960, 1120)
        assert bot[int(at - lag)] == 10_000


@pytest.mark.parametrize("codec", ["gsm", "amr_4750", "amr_7950", "amr_12200"])
def test_low_rate_codecs_delay_caller_and_echo_as_the_line_says(codec: LowRate) -> None:
    sound, quiet = band_noise(2.0), np.zeros(16_000, np.int16)
    line = make(sound, Impairments(low_rate=codec))
    heard, _ = run(line, quiet, sound)
    assert abs(lag_of(heard, sound) - line.near_delay_samples) <= 1
    line = make(sound, Impairments(low_rate=codec))
    heard, _ = run(line, sound)
    assert abs(lag_of(heard, sound) - line.delay_at(0) * 8) <= 2


@pytest.mark.parametrize("codec", ["gsm", "amr_4750", "amr_7950", "amr_12200"])
def test_the_echo_keeps_its_loss_through_low_rate_codecs(codec: LowRate, talk: Talk) -> None:
    bot = talk(3.0)
    heard, _ = run(make(bot, Impairments(low_rate=codec), erl_db=12.0), bot)
    loss_db = active_level_dbfs(bot, 8000) - active_level_dbfs(heard, 8000)
    assert loss_db == pytest.approx(12.0, abs=1.0)


def test_a_low_rate_codec_needs_its_rate(talk: Talk) -> None:
    with pytest.raises(LabError, match="codec gsm on a line at 16000 Hz"):
        TelephoneLine(
            16_000,
            single_tap(16_000),
            erl_db=10,
            delays=[DelayStep(0, 100)],
            bot_speech=talk(1.0),
            rng=np.random.default_rng(1),
            impairments=Impairments(low_rate="gsm"),
        )


def test_an_overdriven_loudspeaker_is_no_filter_of_the_bots_voice(talk: Talk) -> None:
    bot = talk(2.0)
    delays = [DelayStep(0, 0)]
    linear, _ = run(make(bot, Impairments(), delays=delays), bot)
    clipped, _ = run(make(bot, Impairments(overdrive=3.0), delays=delays), bot)
    np.testing.assert_array_equal(linear, bot)
    _, coherence = signal.coherence(bot, clipped, fs=8000, nperseg=512)
    assert np.median(coherence) < 0.9
    assert np.ptp(clipped.astype(int)) < 0.7 * np.ptp(linear.astype(int))


def test_silence_cannot_be_overdriven() -> None:
    with pytest.raises(LabError, match="the bot speech to overdrive is silent"):
        make(np.zeros(8000, np.int16), Impairments(overdrive=3.0), erl_db=math.inf)


def test_a_carriers_canceller_takes_the_echo_and_leaves_the_caller(talk: Talk) -> None:
    bot, near = talk(4.0), talk(4.0, seed=5, level_dbfs=-25.0)
    near[:20_000] = 0
    quiet = np.zeros_like(bot)
    impairments = Impairments(carrier_canceller=CarrierCanceller(25.0, 30.0, -65.0))
    heard, _ = run(make(bot, impairments, erl_db=10.0), bot, near)
    alone, _ = run(make(bot, impairments, erl_db=10.0), quiet, near)
    np.testing.assert_array_equal(alone, near)
    assert to_db(power(heard[8000:20_000])) == pytest.approx(-65.0, abs=0.5)
    residual = (heard.astype(float) - near)[24_000:]
    assert to_db(power(residual)) == pytest.approx(to_db(power(bot)) - 35.0, abs=1.0)


def test_a_background_is_there_beside_noise_and_without(talk: Talk) -> None:
    babble = talk(3.0, seed=9)
    quiet = np.zeros(24_000, np.int16)
    impairments = Impairments(background=Background(babble, -45.0))
    alone, _ = run(make(babble, impairments), quiet)
    assert to_db(power(alone)) == pytest.approx(-45.0, abs=0.2)
    both, _ = run(make(babble, impairments, noise_dbfs=-45.0), quiet)
    assert to_db(power(both)) == pytest.approx(-42.0, abs=0.3)


def test_everything_at_once_comes_from_the_seed(talk: Talk) -> None:
    bot, near = talk(2.0), talk(2.0, seed=5)

    def heard(seed: int) -> Pcm:
        rng = np.random.default_rng(seed)
        line = TelephoneLine(
            8000,
            hybrid(rng),
            erl_db=12.0,
            delays=[DelayStep(0, 150)],
            bot_speech=bot,
            rng=rng,
            impairments=EVERYTHING,
        )
        return run(line, bot, near)[0]

    first = heard(1)
    np.testing.assert_array_equal(first, heard(1))
    assert not np.array_equal(first, heard(2))
