import numpy as np

from interject_lab.material.sounds import event
from interject_lab.material.spoken import are_spoken
from media_pod.providers.builtin.espeak import synthesize

RATE_HZ = 8000


def test_talk_is_told_from_barks_and_noise_at_any_level() -> None:
    rng = np.random.default_rng(3)
    talk = np.concatenate([part.pcm for part in synthesize("please wait a moment", RATE_HZ)])
    quiet = (talk // 32).astype(np.int16)
    noise = (rng.standard_normal(RATE_HZ) * 2000).astype(np.int16)
    bark = event("dog", rng, RATE_HZ)
    found = are_spoken([noise, talk, bark, quiet], RATE_HZ)
    assert found.tolist() == [False, True, False, True]


def test_no_phrases_give_no_answers() -> None:
    assert are_spoken([], RATE_HZ).size == 0
