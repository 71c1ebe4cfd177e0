"""The material of a suite: what the lab makes, and the recordings of a corpus beside it."""

from pathlib import Path

from interject_lab.material.made import made
from interject_lab.material.material import Material, Split


def load(corpus: Path | None, rate_hz: int, split: Split, rng_seed: int = 0) -> Material:
    """The material of a split."""
    return made(rate_hz, split, rng_seed)
