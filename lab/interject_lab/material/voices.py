"""Speech of bots and callers for measurements: synthetic voices, or the user's recordings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.audio_files import SUFFIXES, read_audio
from interject_lab.network.levels import (
    BOT_PAUSE_MS,
    ONSET_MARGIN_DB,
    active_level_dbfs,
    frame_powers,
    speech_bounds,
)
from media_pod.errors import SetupError
from media_pod.providers.builtin.espeak import synthesize

Pcm = NDArray[np.int16]

MAX_PHRASES: Final = 200
"""Per voice; further phrases of a folder are not read."""

BOT_PHRASE_S: Final = (2.0, 9.0)
CALLER_PHRASE_S: Final = (0.6, 2.5)
BACKCHANNEL_S: Final = (0.15, 0.6)
"""Shortest and longest phrase that is cut from a recording."""

_FRAME_MS: Final = 10
_MARGIN_MS: Final = 50
"""Kept around a phrase: consonants are below the level that detects it."""

_BOTS: Final = (
    ("en-us", 165),
    ("en-us+Annie", 175),
    ("en-gb+m2", 155),
    ("en-gb+f4", 185),
)
_CALLERS: Final = (
    ("en-gb", 150),
    ("en-us+m3", 165),
    ("en-us+linda", 180),
    ("en-gb+m7", 195),
    ("en-gb+belinda", 140),
    ("en-us+klatt4", 160),
)
"""With their words per minute. Breathy voices (f2, f3, f5) are left out: espeak seeds their noise
from the time of day, so that no run would be repeatable."""
_BOT_TEXTS: Final = (
    "Your parcel left our depot this morning, and it should reach you between two and four.",
    "Before we go on, let me tell you how returns work. You have thirty days from delivery.",
    "Thank you for calling. Please have your tracking number ready, it is on the slip we left.",
    "We can deliver on Saturday, leave it with a neighbour, or keep it at the nearest shop.",
    "I will now read the address that we have on file. Tell me at once if any of it is wrong.",
    "Some items cannot be sent back, for example opened food, cosmetics, and tailored clothes.",
)
_CALLER_TEXTS: Final = (
    "wait a moment please",
    "no, that is not right",
    "can I say something",
    "hold on, I have a question",
    "sorry, what was that",
    "I want to change the address",
    "yes, I know all that already",
    "could you stop for a second",
    "please let me talk to a person",
    "that is the wrong number",
)


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One speaker."""

    name: str
    phrases: tuple[Pcm, ...]
    """int16 [samples] each, at least one; at their original level."""
    in_the_field: bool = False
    """Recorded with a room, hiss or background, as callers are, and not in a studio."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeechMaterial:
    """The voices of a measurement."""

    bots: tuple[Voice, ...]
    callers: tuple[Voice, ...]


def load(bots: Sequence[Path], callers: Sequence[Path], rate_hz: int) -> SpeechMaterial:
    """Voices from these folders; synthetic ones by default.

    Raises:
        SetupError: as `recorded`.
    """
    return SpeechMaterial(
        bots=_recorded(bots, rate_hz, BOT_PHRASE_S) or synthetic_bots(rate_hz),
        callers=_recorded(callers, rate_hz, CALLER_PHRASE_S) or synthetic_callers(rate_hz),
    )


@cache
def synthetic_bots(rate_hz: int, count: int = len(_BOTS)) -> tuple[Voice, ...]:
    """The first `count` synthetic voices that read notices of 4 to 7 s."""
    return _spoken(_BOTS[:count], _BOT_TEXTS, rate_hz)


@cache
def synthetic_callers(rate_hz: int) -> tuple[Voice, ...]:
    """Other synthetic voices, with short phrases that interrupt."""
    return _spoken(_CALLERS, _CALLER_TEXTS, rate_hz)


def recorded(folder: Path, rate_hz: int, phrase_s: tuple[float, float]) -> tuple[Voice, ...]:
    """The recordings under `folder`: each subfolder with recordings is one voice.

    Files are cut at their pauses. Talk that is too short is joined with the next of its file, talk
    that is too long is cut.

    Args:
        folder: searched recursively for audio files.
        rate_hz: of the result.
        phrase_s: the shortest and the longest phrase, in s.

    Raises:
        SetupError: no such folder, no speech in it, or a file that cannot be read.
    """
    if not folder.is_dir():
        raise SetupError(
            f"{folder} is not a folder: give one with audio files (WAV, FLAC, OGG) of speech"
        )
    voices: dict[Path, list[Pcm]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        phrases = voices.setdefault(path.parent, [])
        if len(phrases) < MAX_PHRASES:
            phrases += cut(read_audio(path, rate_hz), rate_hz, phrase_s)
    found = tuple(
        Voice(str(path.relative_to(folder)), tuple(phrases[:MAX_PHRASES]))
        for path, phrases in voices.items()
        if phrases
    )
    if not found:
        shortest_s, _ = phrase_s
        raise SetupError(
            f"{folder} has no audio file (WAV, FLAC, OGG) with {shortest_s:g} s of speech:"
            " give another folder"
        )
    return found


def cut(pcm: Pcm, rate_hz: int, phrase_s: tuple[float, float]) -> list[Pcm]:
    """The phrases in `pcm`, each from its first to its last sound."""
    shortest, longest = (round(bound_s * rate_hz) for bound_s in phrase_s)
    margin = _MARGIN_MS * rate_hz // 1000
    phrases: list[Pcm] = []
    start: int | None = None
    for begin, end in _talk(pcm, rate_hz):
        start = begin if start is None else start
        if end - start >= shortest:
            last = min(end, start + longest)
            phrases.append(pcm[max(start - margin, 0) : last + margin])
            start = None
    return phrases


def trimmed(pcm: Pcm, rate_hz: int) -> Pcm:
    """`pcm` from its first to its last sound; empty for silence."""
    first, last = speech_bounds(pcm, rate_hz)
    return pcm[first:last]


def at_level(pcm: Pcm, rate_hz: int, level_dbfs: float) -> Pcm:
    """`pcm` at an active level of `level_dbfs`, clipped to the range of int16."""
    gain = 10 ** ((level_dbfs - active_level_dbfs(pcm, rate_hz)) / 20)
    levelled: Pcm = np.clip(np.rint(pcm * gain), -32768, 32767).astype(np.int16)
    return levelled


def _recorded(
    folders: Sequence[Path], rate_hz: int, phrase_s: tuple[float, float]
) -> tuple[Voice, ...]:
    return tuple(voice for folder in folders for voice in recorded(folder, rate_hz, phrase_s))


def _spoken(
    voices: Sequence[tuple[str, int]], texts: Sequence[str], rate_hz: int
) -> tuple[Voice, ...]:
    return tuple(
        Voice(
            f"{voice} {words_per_minute}",
            tuple(_say(text, rate_hz, voice, words_per_minute) for text in texts),
        )
        for voice, words_per_minute in voices
    )


def _say(text: str, rate_hz: int, voice: str, words_per_minute: int) -> Pcm:
    made = synthesize(text, rate_hz, voice, words_per_minute)
    return np.concatenate([speech.pcm for speech in made])


def _talk(pcm: Pcm, rate_hz: int) -> Iterator[tuple[int, int]]:
    """The stretches of talk without a pause of more than `BOT_PAUSE_MS`, in samples."""
    frame = rate_hz * _FRAME_MS // 1000
    powers = frame_powers(pcm, frame)
    floor = 10 ** ((active_level_dbfs(pcm, rate_hz) - ONSET_MARGIN_DB) / 10)
    loud = np.flatnonzero((powers >= floor) & (powers > 0))
    if loud.size == 0:
        return
    gaps = np.flatnonzero(np.diff(loud) * _FRAME_MS > BOT_PAUSE_MS)
    for first, last in zip([0, *gaps + 1], [*gaps, loud.size - 1], strict=True):
        yield int(loud[first]) * frame, (int(loud[last]) + 1) * frame
