import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject_lab.rules.doubler import Doubler
from interject_lab.rules.loudness import MomentaryLoudness, k_weighting
from interject_lab.rules.signal_parts import BotSpeech, SpeechRun


def test_k_weighting_has_the_recommendations_coefficients_at_48_khz() -> None:
    shelf, high_pass = k_weighting(48000)
    expected = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    np.testing.assert_allclose(shelf[:3], expected, atol=1e-8)
    np.testing.assert_allclose(shelf[4:], [-1.69065929318241, 0.73248077421585], atol=1e-8)
    np.testing.assert_allclose(high_pass[:3], [1, -2, 1])
    np.testing.assert_allclose(high_pass[4:], [-1.99004745483398, 0.99007225036621], atol=1e-8)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_full_scale_sine_of_997_hz_has_minus_3_lkfs(rate_hz: int) -> None:
    sine = 32767 * np.sin(2 * np.pi * 997 * np.arange(rate_hz) / rate_hz)
    ticks = np.rint(sine).astype(np.int16).reshape(50, 1, -1)
    meter = MomentaryLoudness(1, rate_hz)
    loudness = [meter.step(tick)[0] for tick in ticks]
    assert loudness[-1] == pytest.approx(-3.01, abs=0.1)
    assert meter.step(np.zeros_like(ticks[0])).shape == (1,)


@settings(max_examples=20)
@given(st.integers(1, 19), st.floats(100, 3400))
def test_doubling_keeps_the_samples_and_interpolates_a_tone(ticks: int, hertz: float) -> None:
    time_s = np.arange(160 * 20) / 8000
    tone = np.rint(8000 * np.sin(2 * np.pi * hertz * time_s)).astype(np.int16)
    doubler = Doubler(1)
    doubled = np.concatenate([doubler(part[None])[0] for part in tone.reshape(20, 160)])
    at = ticks * 160
    np.testing.assert_array_equal(doubled[2 * at : 2 * at + 200 : 2], tone[at - 16 : at + 84])
    fine_s = (np.arange(2 * at, 2 * at + 200) - 32) / 16000
    expected = 8000 * np.sin(2 * np.pi * hertz * fine_s)
    assert np.abs(doubled[2 * at : 2 * at + 200] - expected).max() < 200


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 6), st.integers(1, 6))
def test_a_run_needs_its_onset_in_a_row_and_its_release_in_a_row(
    results: list[bool], onset: int, release: int
) -> None:
    run = SpeechRun(1, onset, release)
    found = [bool(run.step(np.array([result]))[0]) for result in results]
    for index, (before, now) in enumerate(zip([False, *found], found, strict=False)):
        if now and not before:
            assert all(results[index - onset + 1 : index + 1]) and index + 1 >= onset
        if before and not now:
            assert not any(results[index - release + 1 : index + 1])


def test_results_that_are_not_new_count_nothing() -> None:
    run = SpeechRun(2, onset=2, release=2)
    above, new = np.array([True, True]), np.array([True, False])
    assert [run.step(above, new).tolist() for _ in range(2)] == [[False, False], [True, False]]


def test_a_pause_within_speech_belongs_to_the_utterance() -> None:
    bot = BotSpeech(1)
    sound, pause = np.full((1, 160), 3000, np.int16), np.zeros((1, 160), np.int16)
    for frame in [sound] * 5 + [pause] * 10 + [sound]:
        assert bot.step(frame)[0]
    assert bot.age_ms[0] == 300
    for _ in range(20):
        bot.step(pause)
    assert not bot.speaking[0]
    bot.step(sound)
    assert bot.age_ms[0] == 0
