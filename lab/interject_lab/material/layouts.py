"""The clips of a corpus in one of three layouts.

- `catalogue.csv`, as `interject lab corpus` writes it.
- `MANIFEST.csv`, a list with the kinds in `_MANIFEST_KINDS` and labels of ESC-10 (Piczak 2015).
- Folders: `speech/<speaker>/` and `bots/<speaker>/`, `noise/<kind>/`, `rooms/`.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from interject_lab.audio_files import SUFFIXES
from interject_lab.material.clips import CATALOGUE, CLIP_KINDS, Clip, ClipKind, read_catalogue
from media_pod.errors import SetupError

MANIFEST: Final = "MANIFEST.csv"

_MANIFEST_KINDS: Final[Mapping[str, ClipKind]] = {
    "speech_digits_8k": "caller",
    "prompt_8k_farend": "bot",
    "noise": "background",
    "noise_handling": "knock",
    "speech_read": "caller",
    "speech_read_8k": "caller",
    "speech_read_48k": "caller",
    "speech_vad_labelled": "caller",
    "speech_with_silence": "caller",
    "rir": "room",
}
"""The others, echo_real_pair and echo_fixture, are for measuring cancellers."""
_LABELS: Final[Mapping[str, ClipKind]] = {
    "Dog bark": "dog",
    "Baby cry": "baby",
    "Person sneeze": "sneeze",
    "Rooster": "rooster",
}
"""The other labels are backgrounds."""
_FIELD_FOLDERS: Final = ("librivox", "misc", "speechbrain")
"""Of the speech that was not recorded in a studio."""
_PROMPT_VOICE: Final = re.compile(r"/[a-z]{2}_[A-Z]{2}_[mf]_(\w+)/")
"""In the path of a prompt of Asterisk; one voice may speak several languages."""
_ROLES: Final[Mapping[str, ClipKind | None]] = {
    "speech": "caller",
    "bots": "bot",
    "noise": None,
    "rooms": "room",
}
"""Of folders; that of a noise is the name of a folder in it."""
_ESC10_TAKE: Final = re.compile(r"_(\d+-\d+)-[A-Z]\.")
"""Clips of one recording differ in the last letter."""


def clips(corpus: Path) -> list[Clip]:
    """All clips of a corpus, in a fixed order.

    Raises:
        SetupError: no such folder, none of the three layouts, or a list that cannot be read.
    """
    if not corpus.is_dir():
        raise SetupError(f"{corpus} is not a folder: make one with `interject lab corpus {corpus}`")
    try:
        if (corpus / CATALOGUE).exists():
            return read_catalogue(corpus / CATALOGUE)
        if (corpus / MANIFEST).exists():
            return _read_manifest(corpus / MANIFEST)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SetupError(f"{corpus}: cannot read its list: {error}; make it again") from error
    found = list(_in_folders(corpus))
    if not found:
        raise SetupError(
            f"{corpus} has no {CATALOGUE} and no audio file (WAV, FLAC, OGG) below speech, bots,"
            " noise or rooms: give another folder"
        )
    return found


def _read_manifest(path: Path) -> list[Clip]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = [name for name in ("file", "kind") if name not in (rows.fieldnames or ())]
        if missing:
            raise SetupError(
                f"{path}: no column {' or '.join(missing)}, expected file,kind,speaker"
            )
        return [_of_manifest(row) for row in rows if row["kind"] in _MANIFEST_KINDS]


def _of_manifest(row: Mapping[str, str | None]) -> Clip:
    file, label = row["file"] or "", row.get("labels") or ""
    path = PurePosixPath(file)
    kind = _MANIFEST_KINDS[row["kind"] or ""]
    if kind == "background":
        kind = _LABELS.get(label, kind)
    speech = kind in ("bot", "caller")
    return Clip(
        file=file,
        kind=kind,
        speaker=_manifest_speaker(file, row.get("speaker") or path.stem, speech=speech),
        in_the_field=speech and path.parent.name in _FIELD_FOLDERS,
        licence=row.get("license") or "",
        source=row.get("source_repo") or "",
    )


def _manifest_speaker(file: str, name: str, *, speech: bool) -> str:
    if not speech:
        take = _ESC10_TAKE.search(file)
        return take[1] if take else ""
    prompt = _PROMPT_VOICE.search(file)
    return f"asterisk-{prompt[1]}" if prompt else name


def _in_folders(corpus: Path) -> Iterator[Clip]:
    for role, kind in _ROLES.items():
        for path in sorted((corpus / role).rglob("*")):
            if path.suffix.lower() not in SUFFIXES or not path.is_file():
                continue
            inside = path.relative_to(corpus / role).parts
            folder = inside[0] if len(inside) > 1 else ""
            speaker = (folder or path.stem) if role in ("speech", "bots") else ""
            yield Clip(str(path.relative_to(corpus)), kind or _noise_kind(folder), speaker)


def _noise_kind(folder: str) -> ClipKind:
    return next((kind for kind in CLIP_KINDS if kind == folder), "background")
