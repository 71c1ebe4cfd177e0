import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from interject_lab.errors import LabError
from interject_lab.network.impairments import LowRate
from interject_lab.network.low_rate import low_rate_link

Pcm = NDArray[np.int16]

CODECS: list[LowRate] = ["gsm", "amr_4750", "amr_7950", "amr_12200"]


def band_noise(seconds: float) -> Pcm:
    """Noise within 300-1500 Hz: no pitch, so that its correlation has one peak."""
    sections = signal.butter(4, (300, 1500), "bandpass", fs=8000, output="sos")
    noise = np.random.default_rng(5).standard_normal(round(seconds * 8000))
    return np.asarray(signal.sosfilt(sections, noise) * 6000, np.int16)


def through(codec: LowRate, sound: Pcm) -> tuple[Pcm, int]:
    link = low_rate_link(codec, 8000)
    decoded = np.concatenate([link.roundtrip(frame) for frame in sound.reshape(-1, 160)])
    return decoded, link.delay_samples


@pytest.mark.parametrize("codec", CODECS)
def test_the_delay_is_where_the_cross_correlation_peaks(codec: LowRate) -> None:
    sound = band_noise(2.0)
    decoded, delay = through(codec, sound)
    correlation = signal.correlate(decoded.astype(float), sound.astype(float))
    assert int(np.argmax(correlation)) - (sound.size - 1) == delay


def snr_db(codec: LowRate) -> float:
    sound = band_noise(2.0)
    decoded, delay = through(codec, sound)
    sent = sound[: sound.size - delay].astype(float)
    error = decoded[delay:] - sent
    return float(10 * np.log10(np.sum(sent**2) / np.sum(error**2)))


def test_more_bits_are_closer_to_the_sound() -> None:
    figures = [snr_db(codec) for codec in ("amr_4750", "amr_7950", "amr_12200")]
    assert figures == sorted(figures)
    # Noise has nothing that these codecs predict: speech fares better.
    assert figures[0] > 1
    assert figures[2] > 5
    assert snr_db("gsm") > 5


def test_calls_do_not_share_state() -> None:
    sound = band_noise(0.4)
    for codec in CODECS:
        first, again = through(codec, sound)[0], through(codec, sound)[0]
        np.testing.assert_array_equal(first, again)


def test_they_are_for_lines_at_8_khz() -> None:
    with pytest.raises(LabError, match="codec gsm on a line at 16000 Hz: expected one at 8000 Hz"):
        low_rate_link("gsm", 16_000)
