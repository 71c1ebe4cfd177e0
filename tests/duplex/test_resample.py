"""16 kHz to 8 kHz."""

import numpy as np
import pytest

from media_pod.duplex.resample import Halver


def halved(halver: Halver, tone_hz: float) -> float:
    """RMS of a tone of RMS 1000, half a second long, after the first tick."""
    time_s = np.arange(8000) / 16000
    tone = (1000 * np.sqrt(2) * np.sin(2 * np.pi * tone_hz * time_s)).astype(np.int16)
    ticks = tone.reshape(-1, 320)
    out = np.concatenate([halver(np.stack([tick[None]] * 2)) for tick in ticks], axis=2)
    assert np.array_equal(out[0], out[1])
    return float(np.sqrt(np.mean(out[0, 0, 160:] ** 2)))


@pytest.mark.parametrize("tone_hz", [200, 1000, 3000])
def test_speech_passes(tone_hz: float) -> None:
    assert halved(Halver(1), tone_hz) == pytest.approx(1000, rel=0.03)


@pytest.mark.parametrize("tone_hz", [5000, 6500, 7500])
def test_what_would_fold_into_speech_does_not(tone_hz: float) -> None:
    assert halved(Halver(1), tone_hz) < 20


def test_a_reset_slot_starts_from_silence() -> None:
    halver = Halver(2)
    halver(np.full((2, 2, 320), 1000, np.int16))
    halver.reset(0)
    after = halver(np.zeros((2, 2, 320), np.int16))
    assert not after[:, 0].any()
    assert after[:, 1].any()
