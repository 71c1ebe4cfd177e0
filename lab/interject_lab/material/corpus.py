"""The material of a suite: what the lab makes, and the recordings of a corpus beside it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from interject_lab.material.clips import Clip, ClipKind
from interject_lab.material.layouts import clips
from interject_lab.material.made import made
from interject_lab.material.material import BackgroundKind, EventKind, Material, Split
from interject_lab.material.piece_cache import cached, digest_of
from interject_lab.material.pieces import Piece, pieces
from interject_lab.material.splits import split_of
from interject_lab.material.voices import Pcm, Voice
from media_pod.errors import SetupError


def load(corpus: Path | None, rate_hz: int, split: Split, rng_seed: int = 0) -> Material:
    """The material of a split: made, and recorded too if there is a corpus.

    The files of a corpus are decoded once; what they gave is kept in the user's cache.

    Args:
        corpus: a folder in one of the layouts of `layouts`.
        rate_hz: of all audio.
        split: speakers, recordings and rooms are in one split each, by their names.
        rng_seed: of the made sounds.

    Raises:
        SetupError: the corpus cannot be read; with a line for each bad file.
    """
    # First: what the user must repair should not wait for voices to be made.
    recorded = [] if corpus is None else _recorded(corpus, rate_hz, split)
    return _with(made(rate_hz, split, rng_seed), recorded)


loaded = lru_cache(maxsize=2)(load)
"""The same, kept: for processes that draw many calls."""


def corpus_digest(corpus: Path | None, split: Split) -> str:
    """What the recordings of a split are from; "" without a corpus."""
    return "" if corpus is None else digest_of(corpus, _own(clips(corpus), split))


def _own(found: Iterable[Clip], split: Split) -> list[Clip]:
    return [clip for clip in found if split_of(clip.split_name) == split]


def _recorded(corpus: Path, rate_hz: int, split: Split) -> list[Piece]:
    found = clips(corpus)
    missing = [clip.file for clip in found if not (corpus / clip.file).is_file()]
    if missing:
        lines = "\n".join(f"{corpus / file}: no such file" for file in missing)
        raise SetupError(
            f"{len(missing)} files of the corpus are missing, fetch it again:\n{lines}"
        )
    own = _own(found, split)
    recorded = cached(corpus, own, rate_hz, split, lambda: pieces(corpus, own, rate_hz))
    if not recorded:
        raise SetupError(
            f"{corpus}: {len(found)} files, of which the split {split!r} has {len(own)}, and none "
            "of them gave a phrase or a sound; add speakers or sounds, or leave the corpus out"
        )
    return recorded


def _with(material: Material, recorded: Sequence[Piece]) -> Material:
    by_kind: dict[ClipKind, list[Piece]] = defaultdict(list)
    for piece in recorded:
        by_kind[piece.kind].append(piece)
    events: tuple[EventKind, ...] = get_args(EventKind)
    backgrounds: dict[BackgroundKind, tuple[Pcm, ...]] = {
        **material.backgrounds,
        "music": material.backgrounds["music"] + _sounds(by_kind["music"]),
    }
    if by_kind["background"]:
        backgrounds["recorded"] = _sounds(by_kind["background"])
    return Material(
        rate_hz=material.rate_hz,
        split=material.split,
        bots=material.bots + _voices(by_kind["bot"]),
        callers=material.callers + _voices(by_kind["caller"]),
        backchannels=material.backchannels + _voices(by_kind["backchannel"]),
        events={kind: material.events[kind] + _sounds(by_kind[kind]) for kind in events},
        backgrounds=backgrounds,
        impulse_responses=tuple(_impulse_response(piece.pcm) for piece in by_kind["room"]),
    )


def _voices(said: Iterable[Piece]) -> tuple[Voice, ...]:
    speakers: dict[tuple[str, bool], list[Pcm]] = defaultdict(list)
    for piece in said:
        speakers[piece.speaker, piece.in_the_field].append(piece.pcm)
    return tuple(
        Voice(name, tuple(phrases), in_the_field)
        for (name, in_the_field), phrases in speakers.items()
    )


def _sounds(found: Iterable[Piece]) -> tuple[Pcm, ...]:
    return tuple(piece.pcm for piece in found)


def _impulse_response(pcm: Pcm) -> NDArray[np.float64]:
    """With unit energy, from 1 % of its peak on."""
    heard = np.abs(pcm.astype(np.float64))
    taps = pcm[int(np.argmax(heard > 0.01 * np.max(heard))) :].astype(np.float64)
    return np.asarray(taps / np.sqrt(np.sum(taps**2)), np.float64)
