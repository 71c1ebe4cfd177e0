"""What a corpus has: a clip per file, with its speaker and kind; and `catalogue.csv`, the list."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from interject_lab.material.material import EventKind
from media_pod.errors import SetupError

CATALOGUE: Final = "catalogue.csv"

SoundKind = Literal["bot", "caller", "backchannel", "music", "background", "room"]
ClipKind = SoundKind | EventKind
CLIP_KINDS: Final[tuple[ClipKind, ...]] = (*get_args(SoundKind), *get_args(EventKind))
_COLUMNS: Final = ("file", "kind", "speaker", "in_the_field", "licence", "source")


@dataclass(frozen=True, slots=True)
class Clip:
    """An audio file of a corpus."""

    file: str
    """Relative to the corpus."""
    kind: ClipKind
    """A bot speaks notices; a caller speaks phrases and single words; a backchannel is a single
    word, letter or hum; a room is an impulse response."""
    speaker: str = ""
    """Of speech; of a noise, the recording that it was cut from, if others were too. The part
    before a slash is the group that is never in two splits: people whom the names of files do not
    tell apart with certainty, such as the actors of a game."""
    in_the_field: bool = False
    """Speech that was recorded with a room, hiss or background."""
    licence: str = ""
    source: str = ""

    @property
    def split_name(self) -> str:
        """What is never in two splits: a group of speakers, or a recording."""
        return self.speaker.partition("/")[0] or self.file


def write_catalogue(path: Path, clips: Iterable[Clip]) -> None:
    """Write the list at once: an interrupted run leaves the old one."""
    draft = path.with_suffix(".part")
    with draft.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_COLUMNS)
        for clip in clips:
            field = "yes" if clip.in_the_field else "no"
            rows.writerow((clip.file, clip.kind, clip.speaker, field, clip.licence, clip.source))
    draft.replace(path)


def read_catalogue(path: Path) -> list[Clip]:
    """The clips of a list.

    Raises:
        SetupError: a column is missing or a kind is unknown.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = [name for name in _COLUMNS[:2] if name not in (rows.fieldnames or ())]
        if missing:
            raise SetupError(
                f"{path}: no column {' or '.join(missing)}, expected {','.join(_COLUMNS)}"
            )
        return [_clip(path, line, row) for line, row in enumerate(rows, start=2)]


def _clip(path: Path, line: int, row: dict[str, str]) -> Clip:
    if not row["file"]:
        raise SetupError(f"{path}:{line}: no file, expected a path below the catalogue's folder")
    for kind in CLIP_KINDS:
        if row["kind"] == kind:
            return Clip(
                file=row["file"],
                kind=kind,
                speaker=row.get("speaker") or "",
                in_the_field=row.get("in_the_field") == "yes",
                licence=row.get("licence") or "",
                source=row.get("source") or "",
            )
    raise SetupError(
        f"{path}:{line}: kind {row['kind']!r}, expected one of {', '.join(CLIP_KINDS)}"
    )
