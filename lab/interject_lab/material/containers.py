"""The clips in an unpacked Debian package: its files, or the entries of an archive of its own."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from interject_lab.audio_files import loudest
from interject_lab.errors import LabError
from interject_lab.material.packages import Headerless, Package

MAX_RATE_HZ: Final = 16_000
"""More is of no use on a telephone line."""
_QUEEN_HEADER: Final = 13
_QUEEN_ENTRY: Final = struct.Struct(">12sBII")
"""Name, bundle, offset and size: the table that ScummVM's compression tool writes into queen.1c."""

Source = Path | BinaryIO


def entries(package: Package, root: Path) -> Iterator[tuple[str, Source]]:
    """Names and contents, by name: paths below `root`, or the names in the archive.

    Raises:
        LabError: the archive is missing or shorter than its table says.
    """
    if package.queen_archive:
        yield from _queen_entries(root, package.queen_archive)
        return
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(root)), path


def decoded(source: Source, headerless: Headerless | None) -> tuple[NDArray[np.float32], int]:
    """The loudest channel, float32 [samples] within -1..1, at `MAX_RATE_HZ` or less; and its rate.

    Some of the packages' stereo files have all of their speech on the second channel.

    Raises:
        soundfile.LibsndfileError: no audio that libsndfile reads.
    """
    raw = {}
    if headerless is not None:
        raw = {
            "samplerate": headerless.rate_hz,
            "channels": 1,
            "format": "RAW",
            "subtype": headerless.encoding,
        }
    with soundfile.SoundFile(source, **raw) as file:
        rate_hz = int(file.samplerate)
        # Frames are named because GSM 06.10 without a header cannot be sought in.
        channels = file.read(file.frames, dtype="float32", always_2d=True)
    samples = loudest(channels)
    if rate_hz > MAX_RATE_HZ:
        samples = soxr.resample(samples, rate_hz, MAX_RATE_HZ, "VHQ")
    return samples, min(rate_hz, MAX_RATE_HZ)


def _queen_entries(root: Path, name: str) -> Iterator[tuple[str, Source]]:
    path = next(root.rglob(name), None)
    if path is None:
        raise LabError(f"no {name} in the package, expected an archive of ScummVM")
    with path.open("rb") as file:
        file.seek(_QUEEN_HEADER)
        count = int.from_bytes(file.read(2), "big")
        table = file.read(count * _QUEEN_ENTRY.size)
        if len(table) < count * _QUEEN_ENTRY.size:
            raise LabError(f"{name} ends in its table of {count} entries; fetch the package again")
        for label, _, offset, size in _QUEEN_ENTRY.iter_unpack(table):
            file.seek(offset)
            yield label.split(b"\0")[0].decode("latin1"), io.BytesIO(file.read(size))
