"""The pieces of a corpus on disk, so that its files are decoded once. All of it can be rebuilt."""

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np

from interject_lab.material.clips import CLIP_KINDS, Clip
from interject_lab.material.material import Split
from interject_lab.material.pieces import Piece

_VERSION: Final = 4
"""Of the cutting: pieces of another version are cut again."""


def cached(
    corpus: Path, found: Sequence[Clip], rate_hz: int, split: Split, make: Callable[[], list[Piece]]
) -> list[Piece]:
    """`make()`, or what it gave for files of the same names, kinds, sizes and times of change."""
    place = sha256(str(corpus.resolve()).encode()).hexdigest()[:12]
    path = _folder() / f"{place}-{rate_hz}-{split}.npz"
    key = digest_of(corpus, found)
    read = _read(path, key)
    if read is None:
        read = make()
        # Without a place for the cache the pieces are made each time.
        with suppress(OSError):
            _write(path, key, read)
    return read


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "interject" / "corpus"


def digest_of(corpus: Path, found: Sequence[Clip]) -> str:
    """Of the names, kinds, sizes and times of change of these files: what their pieces are from."""
    digest = sha256(str(_VERSION).encode())
    for clip in found:
        try:
            status = (corpus / clip.file).stat()
            state = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            state = "missing"
        row = (clip.file, clip.kind, clip.speaker, str(clip.in_the_field), state)
        digest.update("\t".join(row).encode() + b"\n")
    return digest.hexdigest()


def _read(path: Path, key: str) -> list[Piece] | None:
    try:
        with path.open("rb") as raw, np.load(raw) as file:
            head = json.loads(file["head"].tobytes())
            if head["key"] != key:
                return None
            samples, ends = file["samples"], file["ends"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    parts = np.split(samples, ends[:-1]) if ends.size else []
    return [
        Piece(CLIP_KINDS[kind], speaker, bool(field), part)
        for (kind, speaker, field), part in zip(head["pieces"], parts, strict=True)
    ]


def _write(path: Path, key: str, made: Sequence[Piece]) -> None:
    rows = [(CLIP_KINDS.index(one.kind), one.speaker, one.in_the_field) for one in made]
    head = json.dumps({"key": key, "pieces": rows}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may write the same file at the same time.
    draft = path.with_suffix(f".{os.getpid()}.part")
    with draft.open("wb") as file:
        np.savez(
            file,
            head=np.frombuffer(head, np.uint8),
            ends=np.cumsum([one.pcm.size for one in made], dtype=np.int64),
            samples=np.concatenate([np.zeros(0, np.int16), *(one.pcm for one in made)]),
        )
    draft.replace(path)
