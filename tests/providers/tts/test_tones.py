"""Tones: their frequencies, levels and lengths, as a receiver of ITU-T Q.24 measures them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.ports import Pcm
from media_pod.providers.tts.tones import DIGIT_MS, GAP_MS, digit_tones, waiting_tones

Q23 = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477),
}  # fmt: skip
"""The keys of ITU-T Q.23, in Hz."""
RATES = (8000, 16000)


def strongest_hz(audio: Pcm, rate_hz: int, count: int) -> list[float]:
    """The strongest frequencies, in order of frequency, to the Hz."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(audio.size), rate_hz))
    found: list[float] = []
    for _ in range(count):
        peak = int(spectrum.argmax())
        found.append(peak)
        spectrum[max(0, peak - 60) : peak + 60] = 0
    return sorted(found)


def dbfs(audio: Pcm) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(audio.astype(np.float64) ** 2)) / 32768))


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("digit", Q23)
def test_each_key_has_its_two_tones_of_equal_level(digit: str, rate_hz: int) -> None:
    tone = digit_tones(digit, rate_hz)[: rate_hz * DIGIT_MS // 1000]
    # Q.24 accepts 1.5 % of difference.
    assert strongest_hz(tone, rate_hz, 2) == pytest.approx(Q23[digit], rel=0.005)
    assert dbfs(tone[len(tone) // 4 : -len(tone) // 4]) == pytest.approx(-10, abs=0.5)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(tone.size), rate_hz))
    low, high = (spectrum[hz - 5 : hz + 6].max() for hz in Q23[digit])
    assert 20 * np.log10(low / high) == pytest.approx(0, abs=0.5)


@given(st.text("0123456789*#", max_size=12), st.sampled_from(RATES))
def test_digits_follow_each_other_with_gaps_and_do_not_clip(digits: str, rate_hz: int) -> None:
    audio = digit_tones(digits, rate_hz)
    tone, gap = rate_hz * DIGIT_MS // 1000, rate_hz * GAP_MS // 1000
    assert audio.dtype == np.int16
    assert audio.size == len(digits) * (tone + gap)
    for number, digit in enumerate(digits):
        start = number * (tone + gap)
        assert np.array_equal(audio[start : start + tone + gap], digit_tones(digit, rate_hz))
        assert not audio[start + tone : start + tone + gap].any()
    assert np.abs(audio.astype(np.int32)).max(initial=0) < 32767 * 0.7


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_tone_begins_and_ends_softly(rate_hz: int) -> None:
    tone = digit_tones("5", rate_hz)[: rate_hz * DIGIT_MS // 1000].astype(np.int32)
    edge = rate_hz // 1000
    assert np.abs(tone[:edge]).max() < 6000
    assert np.abs(tone[-edge:]).max() < 6000
    assert (tone[0], abs(tone[-1])) == (0, 0)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(KeyError):
        digit_tones("1a", 8000)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("seconds", [0, 1, 4, 9, 60])
def test_a_waiting_caller_hears_a_soft_tone_every_few_seconds(seconds: int, rate_hz: int) -> None:
    audio = waiting_tones(seconds, rate_hz)
    assert audio.size == seconds * rate_hz
    tones = [audio[start : start + rate_hz // 5] for start in range(0, audio.size, 4 * rate_hz)]
    assert len(tones) == -(-seconds // 4)
    for tone in tones:
        assert strongest_hz(tone, rate_hz, 1) == pytest.approx([440], abs=2)
        assert dbfs(tone) == pytest.approx(-30, abs=0.5)
    assert np.count_nonzero(audio) <= len(tones) * rate_hz // 5
