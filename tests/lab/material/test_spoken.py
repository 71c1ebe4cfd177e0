import numpy as np

from interject_lab.material.sounds import event
from interject_lab.material.spoken import spoken
from interject_lab.network.levels import Pcm
from media_pod.providers.builtin.espeak import synthesize

RATE_HZ = 8000
TALK = np.concatenate([part.pcm for part in synthesize("please wait a moment", RATE_HZ)])


def noise(seconds: float, rms: float, rng: np.random.Generator) -> Pcm:
    return (rng.standard_normal(round(seconds * RATE_HZ)) * rms).astype(np.int16)


def test_talk_is_told_from_barks_and_noise_at_any_level() -> None:
    rng = np.random.default_rng(3)
    quiet = (TALK // 32).astype(np.int16)
    hiss = noise(1, 2000, rng)
    bark = event("dog", rng, RATE_HZ)
    found = spoken([hiss, TALK, bark, quiet], RATE_HZ)
    assert [part.size > 0 for part in found] == [False, True, False, True]


def test_hiss_around_the_talk_is_cut_off() -> None:
    """A caller who is said to speak half a second before he does is said to be missed."""
    hiss_s = 0.7
    rms = 0.15 * float(np.sqrt(np.mean(TALK.astype(float) ** 2)))
    hiss = noise(hiss_s, rms, np.random.default_rng(3))
    recording = np.concatenate([hiss, TALK, hiss])
    (found,) = spoken([recording], RATE_HZ)
    start = next(
        at
        for at in range(recording.size - found.size + 1)
        if np.array_equal(recording[at : at + found.size], found)
    )
    before_s = hiss_s - start / RATE_HZ
    after_s = (start + found.size - hiss.size - TALK.size) / RATE_HZ
    assert -0.05 <= before_s <= 0.15
    assert -0.15 <= after_s <= 0.15


def test_no_phrases_give_no_answers() -> None:
    assert spoken([], RATE_HZ) == []
