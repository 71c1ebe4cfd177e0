"""Features of the learned judge, on whole lines through a bank."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from duplex.cases import CALLER, COUGH, ECHO, UNLOCKED, Case, evidence, heard
from duplex.judging import FeatureTape
from duplex.signals import Sound, echo_of, hybrid_path, line_noise, speechlike, ticks
from media_pod.duplex.bank import Bank
from media_pod.duplex.decision.judge.features import FEATURES, GROUPS, NAMES, FeatureExtractor

Floats = NDArray[np.float32]
SECONDS = 1.5


def recorded(caller: Sound, played: Sound, rate_hz: int = 8000, phase: int = 0) -> Floats:
    """[ticks, FEATURES] of one call."""
    tape = FeatureTape(1)
    bank = Bank(1, rate_hz, detector=tape.make)
    bank.open(0, phase)
    tick = rate_hz // 50
    for one, other in zip(ticks([caller], tick), ticks([played], tick), strict=True):
        bank.step(one, other)
    return np.stack(tape.ticks)[:, 0]


def column(features: Floats, name: str) -> Floats:
    return features[:, NAMES.index(name)]


@pytest.fixture(scope="module")
def call() -> tuple[Sound, Sound]:
    """Received and played audio: the bot, its echo 300 ms later, and a caller after 5 s."""
    rng = np.random.default_rng(1)
    played, caller = speechlike(rng, 7.0), speechlike(rng, 7.0)
    caller[: 5 * 8000] = 0
    echo = echo_of(played, hybrid_path(rng), 15.0, 2400)
    return echo + caller + line_noise(rng, played.size), played


@pytest.fixture(scope="module")
def features(call: tuple[Sound, Sound]) -> Floats:
    return recorded(*call)


def test_names_and_groups_cover_every_feature_once(features: Floats) -> None:
    assert features.shape[1] == FEATURES == len(NAMES) == len(set(NAMES))
    assert [index for group in GROUPS.values() for index in range(FEATURES)[group]] == list(
        range(FEATURES)
    )


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("caller_over_echo_4", 0.5),
        ("cleaned_over_noise_4", 1.0),
        ("coherence_cleaned_caller_low", 0.5),
        ("harmonicity_cleaned", 0.5),
        ("coherence_caller_echo_low", -0.5),
        ("canceller_loss_smoothed", -0.5),
        ("envelope_long_at_tracked_lag", -0.3),
    ],
)
def test_a_caller_over_the_echo_shows(features: Floats, name: str, more: float) -> None:
    values = column(features, name)
    echo, both = np.median(values[150:245]), np.median(values[270:])
    assert (both - echo) / more > 1


def test_the_tracker_and_the_bot_show(features: Floats) -> None:
    assert column(features, "delay_locked")[[0, -1]].tolist() == [0, 1]
    assert column(features, "delay_peak_ratio")[240] > column(features, "delay_peak_ratio")[0]
    since = column(features, "bot_since_onset")[240]
    assert since == pytest.approx(np.log1p(240 * 0.02), abs=0.1)


def square(size: int) -> Sound:
    return np.where(np.arange(size) // 20 % 2, 32767.0, -32768.0)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("sound", ["silence", "full scale", "DTX"])
def test_features_are_finite_and_bounded_on_extreme_lines(sound: str, rate_hz: int) -> None:
    rng = np.random.default_rng(2)
    size = round(SECONDS * rate_hz)
    speech = np.repeat(speechlike(rng, SECONDS), rate_hz // 8000)
    lines = {
        "silence": (np.zeros(size), np.zeros(size)),
        "full scale": (square(size), square(size)),
        "DTX": (speech * (np.arange(size) // (rate_hz // 4) % 2), speech),
    }
    features = recorded(*lines[sound], rate_hz)
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= 3


def test_digital_silence_is_calm_after_an_echo(call: tuple[Sound, Sound]) -> None:
    caller, played = (side[: 4 * 8000].copy() for side in call)
    caller[2 * 8000 :] = 0
    features = recorded(caller, played)
    for group in ("level over the noise", "level over any echo", "voice"):
        assert features[150:, GROUPS[group]].max() < 0.6, group
    assert features[150:, GROUPS["canceller and coherence"]].max() < 0.6


def test_16_khz_gives_about_the_features_of_8_khz(call: tuple[Sound, Sound]) -> None:
    caller, played = (side[: 2 * 8000] for side in call)
    slow = recorded(caller, played)
    fast = recorded(signal.resample_poly(caller, 2, 1), signal.resample_poly(played, 2, 1), 16000)
    wide = [index for index, name in enumerate(NAMES) if not name.endswith(("_11", "_12"))]
    assert np.median(np.abs(slow - fast)[60:, wide]) < 0.1


def test_a_call_that_comes_after_silence_has_the_same_features_later() -> None:
    early, late = FeatureExtractor(1), FeatureExtractor(1)
    silence = Case(level_db=-10.0, speech=0.01, bot_speaks=False, locked=False)
    for _ in range(40):
        late.step(heard(silence, digital_silence=True))
    for case in (replace(UNLOCKED, speech=0.4), ECHO, CALLER, COUGH):
        for tick in range(10):
            one, other = early.step(heard(case)), late.step(heard(case))
            # What compares with earlier ticks has none in a call that has just begun.
            assert case is UNLOCKED or tick < 4 or np.array_equal(one, other)


def test_evidence_without_signals_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence without signals"):
        FeatureExtractor(1).step(evidence(CALLER))
