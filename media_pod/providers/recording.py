"""Reads recorded speech from WAV files."""

import wave
from pathlib import Path

import numpy as np
import soxr

from media_pod.errors import SetupError
from media_pod.providers.ports import Pcm

MAX_SECONDS = 600
"""Maximum length of a recording: it stays in memory while the pod runs."""
_EXPECTED = "expected a WAV file of 16-bit PCM"


def read_wav(path: Path, rate_hz: int) -> Pcm:
    """Read the first channel of a recording, resampled to `rate_hz`.

    Args:
        path: WAV file with 16-bit PCM, any sample rate and number of channels.
        rate_hz: sample rate of the result.

    Raises:
        SetupError: the file cannot be read or has another format; the message has the path, what
            was found and what is expected.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.getnframes()
            if width != 2:
                raise SetupError(f"{path}: samples of {8 * width} bits, {_EXPECTED}")
            if rate <= 0 or channels <= 0:
                raise SetupError(f"{path}: {channels} channels at {rate} Hz, {_EXPECTED}")
            if frames > MAX_SECONDS * rate:
                seconds = frames / rate
                raise SetupError(f"{path}: {seconds:.0f} s long, expected at most {MAX_SECONDS} s")
            data = file.readframes(frames)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}, {_EXPECTED}") from error
    except EOFError as error:
        raise SetupError(f"{path}: ends within its header, {_EXPECTED}") from error
    except wave.Error as error:
        raise SetupError(f"{path}: {error}, {_EXPECTED}") from error
    # A truncated file may end within a frame.
    data = data[: len(data) // (2 * channels) * 2 * channels]
    samples = np.frombuffer(data, "<i2").reshape(-1, channels)[:, 0]
    if not samples.size:
        raise SetupError(f"{path}: no samples, {_EXPECTED} with at least one")
    if rate == rate_hz:
        return samples.astype(np.int16)
    resampled = soxr.resample(samples.astype(np.float32), rate, rate_hz, "VHQ")
    pcm: Pcm = np.clip(np.rint(resampled), -32768, 32767).astype(np.int16)
    return pcm
