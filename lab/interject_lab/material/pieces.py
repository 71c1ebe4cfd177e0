"""Recordings cut to the lengths that a suite draws from, of one split of a corpus."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from interject_lab.audio_files import read_audio, read_samples
from interject_lab.material.clips import Clip, ClipKind
from interject_lab.material.spoken import spoken
from interject_lab.material.voices import (
    BACKCHANNEL_S,
    BOT_PHRASE_S,
    CALLER_PHRASE_S,
    MAX_PHRASES,
    Pcm,
    cut,
    trimmed,
)
from interject_lab.network.levels import is_sound
from media_pod.errors import SetupError

MAX_SAMPLES: Final = 150_000_000
"""300 MB of int16."""
_MAX_FILES: Final = 250
"""Of a speaker, or of a kind of noise; spread over all that there are."""
_MAX_CUTS: Final = 6
"""Of a file of sounds."""
_EVENT_S: Final = (0.1, 2.0)
_LOOP_S: Final = (3.0, 8.0)
_ROOM_S: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A phrase, a sound, a loop or an impulse response."""

    kind: ClipKind
    speaker: str
    in_the_field: bool
    pcm: Pcm


def pieces(corpus: Path, found: Sequence[Clip], rate_hz: int) -> list[Piece]:
    """The pieces of these clips, at most `MAX_SAMPLES`.

    Raises:
        SetupError: clips that are missing, empty, corrupt or silent; a line for each.
    """
    made: list[Piece] = []
    faults: list[str] = []
    for clip in _some_of_each(found):
        try:
            pcm = _read(corpus / clip.file, clip.kind, rate_hz)
        except SetupError as error:
            faults.append(str(error))
            continue
        made += _cut(clip, pcm, rate_hz)
    if faults:
        lines = "\n".join(faults)
        raise SetupError(f"{len(faults)} files of the corpus cannot be used, remove them:\n{lines}")
    return _bounded(_spoken(made, rate_hz))


def _spoken(made: Sequence[Piece], rate_hz: int) -> list[Piece]:
    """With the phrases of callers cut to what is speech in them, if that is long enough."""
    speech = iter(spoken([each.pcm for each in made if each.kind == "caller"], rate_hz))
    cut_to = [replace(each, pcm=next(speech)) if each.kind == "caller" else each for each in made]
    shortest = CALLER_PHRASE_S[0] * rate_hz
    return [each for each in cut_to if each.kind != "caller" or each.pcm.size >= shortest]


def _read(path: Path, kind: ClipKind, rate_hz: int) -> Pcm:
    if kind != "room":
        pcm = read_audio(path, rate_hz)
        if not np.any(pcm):
            raise SetupError(f"{path}: silent, expected sound")
        return pcm
    # Impulse responses come at any level: without a gain, those of far loudspeakers would be lost.
    taps = read_samples(path, rate_hz)
    peak = float(np.max(np.abs(taps)))
    if peak == 0:
        raise SetupError(f"{path}: silent, expected an impulse response")
    scaled: Pcm = np.rint(taps * (32767 / peak)).astype(np.int16)
    return scaled


def _some_of_each(found: Sequence[Clip]) -> list[Clip]:
    groups: dict[tuple[ClipKind, str], list[Clip]] = defaultdict(list)
    for clip in found:
        speech = clip.kind in ("bot", "caller", "backchannel")
        groups[clip.kind, clip.speaker if speech else ""].append(clip)
    return [
        group[index * len(group) // count]
        for group in groups.values()
        for count in [min(len(group), _MAX_FILES)]
        for index in range(count)
    ]


def _cut(clip: Clip, pcm: Pcm, rate_hz: int) -> list[Piece]:
    match clip.kind:
        case "bot":
            parts = cut(pcm, rate_hz, BOT_PHRASE_S)
        case "caller":
            parts = cut(pcm, rate_hz, CALLER_PHRASE_S)
            if not parts:
                return _short(clip, pcm, rate_hz)
        case "backchannel":
            return _short(clip, pcm, rate_hz)
        case "music" | "background":
            parts = _loops(pcm, rate_hz)
        case "room":
            parts = [pcm[: round(_ROOM_S * rate_hz)]]
        case _:
            # The loud part of a click is shorter than the shortest sound.
            whole = pcm[: round(_EVENT_S[1] * rate_hz)]
            parts = (cut(pcm, rate_hz, _EVENT_S) or [whole])[:_MAX_CUTS]
    return [Piece(clip.kind, clip.speaker, clip.in_the_field, part) for part in parts]


def _short(clip: Clip, pcm: Pcm, rate_hz: int) -> list[Piece]:
    word = trimmed(pcm, rate_hz)
    shortest, longest = (bound_s * rate_hz for bound_s in BACKCHANNEL_S)
    if not shortest <= word.size <= longest:
        return []
    return [Piece("backchannel", clip.speaker, clip.in_the_field, word)]


def _loops(pcm: Pcm, rate_hz: int) -> list[Pcm]:
    shortest, longest = (round(bound_s * rate_hz) for bound_s in _LOOP_S)
    step = max(pcm.size // _MAX_CUTS, longest)
    parts = (pcm[start : start + longest] for start in range(0, pcm.size, step))
    return [part for part in parts if part.size >= shortest and is_sound(part)]


def _bounded(made: Sequence[Piece]) -> list[Piece]:
    """At most `MAX_PHRASES` of each voice and kind, then as many of each as the memory allows."""
    rank: Counter[tuple[ClipKind, str]] = Counter()
    ranked: list[tuple[int, int]] = []
    for index, piece in enumerate(made):
        place = rank[piece.kind, piece.speaker]
        rank[piece.kind, piece.speaker] += 1
        ranked.append((place, index))
    kept: list[int] = []
    samples = 0
    for place, index in sorted(ranked):
        samples += made[index].pcm.size
        if place >= MAX_PHRASES or samples > MAX_SAMPLES:
            break
        kept.append(index)
    return [made[index] for index in sorted(kept)]
