"""Audio files of the lab: WAV, FLAC and OGG, read and written by libsndfile.

A pod reads recordings with the standard library alone (`media_pod.providers.recording`); the lab
takes whatever a corpus of speech comes in.
"""

import io
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from interject_lab.errors import writing
from media_pod.errors import SetupError

Pcm = NDArray[np.int16]

MAX_SECONDS: Final = 600
"""The longest file that is read: all of it is held in memory."""
SUFFIXES: Final = (".flac", ".ogg", ".wav")
_EXPECTED: Final = "expected an audio file (WAV, FLAC, OGG)"


def read_audio(path: Path, rate_hz: int) -> Pcm:
    """The loudest channel of an audio file, int16 [samples] at `rate_hz`.

    Raises:
        SetupError: as `read_samples`.
    """
    samples = read_samples(path, rate_hz)
    pcm: Pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    return pcm


def read_samples(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """The loudest channel of an audio file, float32 [samples] at `rate_hz`, full scale 1.

    Raises:
        SetupError: the file cannot be read, is too long, or has no samples or such as are no
            numbers.
    """
    try:
        with path.open("rb") as raw, soundfile.SoundFile(raw) as file:
            rate, seconds = file.samplerate, file.frames / file.samplerate
            if seconds > MAX_SECONDS:
                raise SetupError(f"{path}: {seconds:.0f} s long, expected at most {MAX_SECONDS} s")
            channels: NDArray[np.float32] = file.read(dtype="float32", always_2d=True)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}, {_EXPECTED}") from error
    except soundfile.LibsndfileError as error:
        raise SetupError(f"{path}: {error.error_string.rstrip('.')}, {_EXPECTED}") from error
    except TypeError as error:  # headerless data, by the name of the file
        raise SetupError(f"{path}: no header, {_EXPECTED}") from error
    if not np.isfinite(channels).all():
        raise SetupError(f"{path}: samples that are no numbers (NaN or infinite), {_EXPECTED}")
    samples = loudest(channels)
    if not samples.size:
        raise SetupError(f"{path}: no samples, {_EXPECTED} with at least one")
    if rate != rate_hz:
        samples = soxr.resample(samples, rate, rate_hz, "VHQ")
    return samples


def loudest(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The channel of [samples, channels] with most energy: some stereo files speak on one alone."""
    return channels[:, int(np.argmax(np.sum(channels**2, axis=0)))]


def write_stereo(path: Path, left: Pcm, right: Pcm, rate_hz: int) -> None:
    """Write two channels of equal length; the suffix selects the format, WAV by default.

    Raises:
        SetupError: the file cannot be written.
    """
    kind = path.suffix.lower()[1:] if path.suffix.lower() in SUFFIXES else "wav"
    with writing(path), path.open("wb") as raw:
        soundfile.write(raw, np.stack([left, right], axis=1), rate_hz, format=kind)


def mu_law_wav(left: Pcm, right: Pcm, rate_hz: int) -> bytes:
    """A stereo WAV file of 8-bit mu-law; the shorter channel is padded with silence."""
    both = np.zeros((max(left.size, right.size), 2), np.int16)
    both[: left.size, 0], both[: right.size, 1] = left, right
    file = io.BytesIO()
    soundfile.write(file, both, rate_hz, format="WAV", subtype="ULAW")
    return file.getvalue()
