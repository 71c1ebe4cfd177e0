from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from interject_lab.audio_files import MAX_SECONDS, mu_law_wav, read_audio, write_stereo
from interject_lab.network.codecs import g711_decode, g711_encode
from media_pod.errors import SetupError

Pcm = NDArray[np.int16]
LEFT: Pcm = np.random.default_rng(1).integers(-32768, 32768, 4000).astype(np.int16)


@pytest.mark.parametrize("name", ["call.wav", "CALL.WAV", "call.flac", "call"])
def test_a_lossless_file_gives_back_its_loudest_channel(tmp_path: Path, name: str) -> None:
    for both in ((LEFT, LEFT // 2), (LEFT // 2, LEFT)):
        write_stereo(tmp_path / name, *both, 8000)
        np.testing.assert_array_equal(read_audio(tmp_path / name, 8000), LEFT)


def test_ogg_gives_back_what_it_can(tmp_path: Path) -> None:
    tone = np.rint(9000 * np.sin(np.arange(16_000) / 5)).astype(np.int16)
    write_stereo(tmp_path / "call.ogg", tone, tone, 8000)
    error = read_audio(tmp_path / "call.ogg", 8000).astype(int) - tone
    assert np.sqrt(np.mean(error**2)) < 200


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    tone = np.rint(9000 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.int16)
    write_stereo(tmp_path / "tone.flac", tone, tone, 16_000)
    at_8_khz = read_audio(tmp_path / "tone.flac", 8000)
    expected = 9000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    assert at_8_khz.size == 8000
    np.testing.assert_allclose(at_8_khz[500:-500], expected[500:-500], atol=20)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.wav", b"no audio at all, this is", "Format not recognised, expected an audio file"),
        ("empty.flac", b"", "Format not recognised, expected an audio file"),
        ("bytes.raw", b"\x01\x02", "no header, expected an audio file"),
    ],
)
def test_other_files_are_reported(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SetupError, match=rf"{name}: {message} \(WAV, FLAC, OGG\)"):
        read_audio(tmp_path / name, 8000)


def test_a_file_without_samples_or_with_too_many_is_reported(tmp_path: Path) -> None:
    write_stereo(tmp_path / "none.wav", LEFT[:0], LEFT[:0], 8000)
    with pytest.raises(SetupError, match=r"none\.wav: no samples, expected an audio file"):
        read_audio(tmp_path / "none.wav", 8000)
    long = np.zeros((MAX_SECONDS + 1) * 10, np.int16)
    write_stereo(tmp_path / "long.flac", long, long, 10)
    with pytest.raises(SetupError, match=r"long\.flac: 601 s long, expected at most 600 s"):
        read_audio(tmp_path / "long.flac", 8000)


def test_samples_that_are_no_numbers_are_reported(tmp_path: Path) -> None:
    samples = np.zeros(800, np.float32)
    samples[7] = np.nan
    soundfile.write(tmp_path / "room.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(SetupError, match=r"room\.wav: samples that are no numbers"):
        read_audio(tmp_path / "room.wav", 8000)


def test_mu_law_is_that_of_the_line_and_pads_the_shorter_channel() -> None:
    file = mu_law_wav(LEFT, LEFT[:10], 8000)
    assert file[:4] == b"RIFF"
    assert int.from_bytes(file[20:22], "little") == 7, "WAVE_FORMAT_MULAW (RFC 2361)"
    data = np.frombuffer(file[file.index(b"data") + 8 :], np.uint8).reshape(-1, 2)
    np.testing.assert_array_equal(data[:, 0], g711_encode(LEFT, "mu"))
    assert not g711_decode(data[10:, 1], "mu").any()
