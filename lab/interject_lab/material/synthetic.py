"""Voices of espeak-ng by split: no variant of a voice and no sentence is in two splits.

Made at the first use, once per rate and split, in a process of their own: espeak carries its
vibrato over from one text to the next, so that only a new process repeats itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from interject_lab.material.material import Split
from interject_lab.material.sentences import NOTICES, PHRASES, WORDS, Texts
from interject_lab.material.voices import (
    BACKCHANNEL_S,
    BOT_PHRASE_S,
    CALLER_PHRASE_S,
    Pcm,
    Voice,
    trimmed,
)
from interject_lab.processes import processes
from media_pod.providers.builtin.espeak import synthesize

_MAX_TEXTS: Final = 16
"""Of a speaker."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice of espeak-ng: language and variant, how fast and how high it speaks."""

    tag: str
    words_per_minute: int
    pitch: int = 50

    @property
    def language(self) -> str:
        return self.tag.partition("+")[0].partition("-")[0]


# Breathy variants (f2, f3, f5, whisper) are left out: espeak seeds their noise from the time of
# day, so that no run would be repeatable. So are the robots and monsters.
BOTS: Final[Mapping[Split, tuple[Speaker, ...]]] = {
    "train": (
        Speaker("en-us", 165),
        Speaker("en-us+Annie", 175),
        Speaker("en-gb+m2", 155),
        Speaker("de+steph", 160),
        Speaker("fr+f1", 165, 45),
        Speaker("es+david", 170),
        Speaker("it+Alicia", 165),
    ),
    "validation": (
        Speaker("en-gb+grandma", 170),
        Speaker("de+Denis", 165),
        Speaker("pt+Marco", 160),
    ),
    "test": (
        Speaker("en-gb+f4", 185),
        Speaker("en-us+paul", 160),
        Speaker("nl+aunty", 165),
        Speaker("pl+Mario", 155),
        Speaker("sv+edward", 165),
    ),
}
CALLERS: Final[Mapping[Split, tuple[Speaker, ...]]] = {
    "train": (
        Speaker("en-gb", 150),
        Speaker("en-us+m3", 165),
        Speaker("en-us+linda", 180),
        Speaker("en-gb-scotland+gustave", 170),
        Speaker("en-us+caleb", 190, 60),
        Speaker("en-gb+steph2", 160, 65),
        Speaker("en-us+Gene", 200, 35),
        Speaker("de+klatt", 170, 40),
        Speaker("de+shelby", 185, 60),
        Speaker("fr+michel", 175),
        Speaker("fr+zac", 190, 70),
        Speaker("es+pablo", 185),
        Speaker("es+sandro", 165, 35),
        Speaker("it+antonio", 180),
        Speaker("it+rob", 160, 65),
    ),
    "validation": (
        Speaker("en-gb+m7", 195),
        Speaker("en-us+Lee", 170),
        Speaker("en-us+norbert", 155, 35),
        Speaker("de+m4", 180, 60),
        Speaker("pt+Henrique", 175),
    ),
    "test": (
        Speaker("en-gb+belinda", 140),
        Speaker("en-us+klatt4", 160),
        Speaker("en-gb+victor", 185, 45),
        Speaker("en-us+Andrea", 170, 60),
        Speaker("en-us-nyc+john", 195, 40),
        Speaker("nl+m5", 175),
        Speaker("nl+adam", 190, 65),
        Speaker("pl+boris", 165),
        Speaker("sv+miguel", 180, 60),
    ),
}


class SyntheticVoices(NamedTuple):
    """Those of a split."""

    callers: tuple[Voice, ...]
    """With phrases of 0.6 to 2.5 s."""
    bots: tuple[Voice, ...]
    """They read notices of 2 to 9 s."""
    backchannels: tuple[Voice, ...]
    """The callers again, with single words of 0.15 to 0.6 s."""


@cache
def voices(rate_hz: int, split: Split) -> SyntheticVoices:
    """The voices of a split: the same samples each time."""
    with processes(1) as pool:
        return pool.submit(_spoken, rate_hz, split).result()


def _spoken(rate_hz: int, split: Split) -> SyntheticVoices:
    return SyntheticVoices(
        callers=_voices(CALLERS[split], PHRASES[split], rate_hz, CALLER_PHRASE_S),
        bots=_voices(BOTS[split], NOTICES[split], rate_hz, BOT_PHRASE_S),
        backchannels=_voices(CALLERS[split], WORDS[split], rate_hz, BACKCHANNEL_S),
    )


def _voices(
    speakers: Sequence[Speaker], texts: Texts, rate_hz: int, phrase_s: tuple[float, float]
) -> tuple[Voice, ...]:
    """Each speaker with texts in its language that last as long as `phrase_s` allows."""
    shortest, longest = (bound_s * rate_hz for bound_s in phrase_s)
    made = []
    for place, speaker in enumerate(speakers):
        said = [_say(text, rate_hz, speaker) for text in _some(texts[speaker.language], place)]
        fitting = tuple(pcm for pcm in said if shortest <= pcm.size <= longest)
        if fitting:
            made.append(Voice(f"espeak {speaker.tag}", fitting))
    return tuple(made)


def _some(texts: Sequence[str], place: int) -> Iterator[str]:
    """At most `_MAX_TEXTS` neighbours, from another start for each speaker."""
    for index in range(min(_MAX_TEXTS, len(texts))):
        yield texts[(place * 5 + index) % len(texts)]


def _say(text: str, rate_hz: int, speaker: Speaker) -> Pcm:
    made = synthesize(text, rate_hz, speaker.tag, speaker.words_per_minute, speaker.pitch)
    return trimmed(np.concatenate([speech.pcm for speech in made]), rate_hz)
