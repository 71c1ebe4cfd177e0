import numpy as np
import pytest

from interject_lab.telephones.sip.codecs import CODECS, CodecName
from lab.sip.conftest import tone


@pytest.mark.parametrize("name", CODECS)
def test_a_payload_has_a_byte_per_unit_of_the_rtp_clock(name: CodecName) -> None:
    codec = CODECS[name]()
    frame = np.zeros(codec.rate_hz // 50, np.int16)
    payload = codec.encode(frame)
    assert len(payload) == 160
    assert codec.decode(payload).shape == frame.shape


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_g711_gives_back_what_it_gave_once(name: CodecName) -> None:
    codec = CODECS[name]()
    once = codec.decode(codec.encode(tone(0.5)))
    np.testing.assert_array_equal(codec.decode(codec.encode(once)), once)
    np.testing.assert_allclose(once, tone(0.5), atol=520)


def test_g722_carries_what_a_narrow_codec_cannot() -> None:
    sound = tone(0.5, 16_000, hz=5000.0)
    codec = CODECS["G722"]()
    frames = [codec.decode(codec.encode(frame)) for frame in np.split(sound, 25)]
    heard = np.concatenate(frames).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(heard[1600:]))
    assert np.argmax(spectrum) * 16_000 / (heard.size - 1600) == pytest.approx(5000, abs=5)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(np.mean(sound**2.0)), rel=0.1)


def test_g722_in_packets_is_g722_in_one_piece() -> None:
    sound = tone(0.3, 16_000)
    whole = CODECS["G722"]().encode(sound)
    codec = CODECS["G722"]()
    assert b"".join(codec.encode(part) for part in np.split(sound, 15)) == whole
