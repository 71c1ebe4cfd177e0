"""The material that the lab makes itself: synthetic voices and sounds, other ones in each split."""

from collections.abc import Mapping
from functools import cache
from typing import Final, get_args

import numpy as np

from interject_lab.material import backgrounds, sounds, synthetic
from interject_lab.material.material import SPLITS, BackgroundKind, EventKind, Material, Split
from interject_lab.material.voices import Pcm, Voice

EVENTS_PER_KIND: Final = 24
_HUMMERS: Final = 10
_HUMS: Final = 10
_LOOPS_PER_KIND: Final = 4


@cache
def made(rate_hz: int, split: Split, rng_seed: int = 0) -> Material:
    """Made material. Voices depend on the split alone, sounds on the seed too."""
    rng = np.random.default_rng([rng_seed, SPLITS.index(split)])
    spoken = synthetic.voices(rate_hz, split)
    return Material(
        rate_hz=rate_hz,
        split=split,
        bots=spoken.bots,
        callers=spoken.callers,
        backchannels=spoken.backchannels + _hums(rng, rate_hz),
        events=_events(rng, rate_hz),
        backgrounds=_backgrounds(
            rng, rate_hz, [p for voice in spoken.callers for p in voice.phrases]
        ),
        impulse_responses=(),
    )


def _hums(rng: np.random.Generator, rate_hz: int) -> tuple[Voice, ...]:
    pitches_hz = rng.uniform(80, 280, _HUMMERS)
    return tuple(
        Voice(
            f"hum at {pitch_hz:.0f} Hz",
            tuple(
                sounds.hum(rng, rate_hz, pitch_hz * rng.uniform(0.92, 1.08)) for _ in range(_HUMS)
            ),
        )
        for pitch_hz in pitches_hz
    )


def _events(rng: np.random.Generator, rate_hz: int) -> Mapping[EventKind, tuple[Pcm, ...]]:
    kinds: tuple[EventKind, ...] = get_args(EventKind)
    return {
        kind: tuple(sounds.event(kind, rng, rate_hz) for _ in range(EVENTS_PER_KIND))
        for kind in kinds
    }


def _backgrounds(
    rng: np.random.Generator, rate_hz: int, phrases: list[Pcm]
) -> Mapping[BackgroundKind, tuple[Pcm, ...]]:
    count = range(_LOOPS_PER_KIND)
    return {
        "white": tuple(backgrounds.white(rng, rate_hz) for _ in count),
        "pink": tuple(backgrounds.pink(rng, rate_hz) for _ in count),
        "hum": tuple(backgrounds.hum(rng, rate_hz) for _ in count),
        "street": tuple(backgrounds.street(rng, rate_hz) for _ in count),
        "babble": tuple(backgrounds.babble(rng, rate_hz, phrases) for _ in count),
        "music": tuple(backgrounds.music(rng, rate_hz) for _ in count),
    }
