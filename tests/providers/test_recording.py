"""Recorded speech from WAV files."""

import wave
from pathlib import Path

import numpy as np
import pytest

from media_pod.errors import SetupError
from media_pod.providers.ports import Pcm
from media_pod.providers.recording import read_wav


def write(path: Path, samples: Pcm, rate_hz: int, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path


def test_a_file_at_the_agents_rate_is_taken_as_it_is(tmp_path: Path) -> None:
    samples = np.arange(-400, 400, dtype=np.int16)
    assert np.array_equal(read_wav(write(tmp_path / "a.wav", samples, 8000), 8000), samples)


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)).astype(np.int16)
    pcm = read_wav(write(tmp_path / "a.wav", tone, 44100), 8000)
    assert pcm.size == 8000
    spectrum = np.abs(np.fft.rfft(pcm[:8000]))
    assert int(spectrum.argmax()) == 440


def test_of_several_channels_the_first_counts(tmp_path: Path) -> None:
    left = np.arange(100, dtype=np.int16)
    stereo = np.stack([left, -left], axis=1)
    assert np.array_equal(read_wav(write(tmp_path / "a.wav", stereo, 8000, 2), 8000), left)


def test_a_file_cut_short_keeps_its_whole_samples(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.arange(100, dtype=np.int16), 8000)
    path.write_bytes(path.read_bytes()[:-51])
    assert read_wav(path, 8000).size == 74


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "ends within its header"), (b"plain text, no sound", "does not start with RIFF")],
)
def test_what_is_no_wav_file_is_named(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "hello.wav"
    path.write_bytes(content)
    with pytest.raises(SetupError, match=rf"hello\.wav: .*{found}.*expected a WAV file of 16-bit"):
        read_wav(path, 8000)


def test_other_sample_formats_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(100, np.int16), 8000, width=1)
    with pytest.raises(SetupError, match=r"a\.wav: samples of 8 bits, expected"):
        read_wav(path, 8000)


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"none\.wav: No such file"):
        read_wav(tmp_path / "none.wav", 8000)
    empty = write(tmp_path / "empty.wav", np.zeros(0, np.int16), 8000)
    with pytest.raises(SetupError, match=r"empty\.wav: no samples"):
        read_wav(empty, 8000)


def test_an_overlong_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(6010, np.int16), 10)
    with pytest.raises(SetupError, match="601 s long, expected at most 600 s"):
        read_wav(path, 8000)
