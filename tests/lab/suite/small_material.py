"""Material that takes no time to make: one voice of each role, without backgrounds."""

from typing import get_args

from interject_lab.material.material import EventKind, Material
from interject_lab.material.voices import Voice
from lab.conftest import make_talk


def small_material() -> Material:
    short = (make_talk(0.4, seed=3),)
    kinds: tuple[EventKind, ...] = get_args(EventKind)
    return Material(
        rate_hz=8000,
        split="test",
        bots=(Voice("bo", (make_talk(3.0),)),),
        callers=(Voice("ann", (make_talk(1.0, seed=2),)),),
        backchannels=(Voice("ann", short),),
        events=dict.fromkeys(kinds, short),
        backgrounds={},
        impulse_responses=(),
    )
