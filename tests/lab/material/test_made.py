from itertools import combinations
from typing import get_args

import pytest

from interject_lab.material import synthetic
from interject_lab.material.made import made
from interject_lab.material.material import SPLITS, EventKind, Material
from interject_lab.material.sentences import NOTICES, PHRASES, WORDS
from interject_lab.material.voices import BACKCHANNEL_S, BOT_PHRASE_S, CALLER_PHRASE_S, Voice
from media_pod.providers.builtin.espeak import synthesize

RATE_HZ = 8000


@pytest.fixture(scope="module")
def validation() -> Material:
    return made(RATE_HZ, "validation")


def lengths_s(voices: tuple[Voice, ...]) -> list[float]:
    return [pcm.size / RATE_HZ for voice in voices for pcm in voice.phrases]


def test_made_material_has_all_kinds_at_the_lengths_that_suites_draw(validation: Material) -> None:
    for voices, (shortest_s, longest_s) in (
        (validation.bots, BOT_PHRASE_S),
        (validation.callers, CALLER_PHRASE_S),
        (validation.backchannels, BACKCHANNEL_S),
    ):
        assert all(shortest_s <= seconds <= longest_s for seconds in lengths_s(voices))
        assert len(voices) >= 3
    assert set(validation.events) == set(get_args(EventKind))
    loops = [loop for each in validation.backgrounds.values() for loop in each]
    assert all(loop.size >= 3 * RATE_HZ for loop in loops)
    assert "recorded" not in validation.backgrounds
    assert validation.impulse_responses == ()


def test_the_seed_changes_the_sounds_and_not_the_voices(validation: Material) -> None:
    other = made(RATE_HZ, "validation", 1)
    assert other.callers is validation.callers
    assert not any(
        first.tobytes() == second.tobytes()
        for kind in get_args(EventKind)
        for first, second in zip(validation.events[kind], other.events[kind], strict=True)
    )


def test_no_sentence_and_no_voice_is_in_two_splits() -> None:
    for texts in (NOTICES, PHRASES):
        said = [{text for group in texts[split].values() for text in group} for split in SPLITS]
        assert all(first.isdisjoint(second) for first, second in combinations(said, 2))
    voices = [
        {speaker.tag for speaker in (*synthetic.BOTS[split], *synthetic.CALLERS[split])}
        for split in SPLITS
    ]
    assert all(first.isdisjoint(second) for first, second in combinations(voices, 2))


def test_each_voice_has_texts_in_its_language() -> None:
    for split in SPLITS:
        for speaker in synthetic.BOTS[split]:
            assert NOTICES[split][speaker.language]
        for speaker in synthetic.CALLERS[split]:
            assert PHRASES[split][speaker.language]
            assert WORDS[split][speaker.language]


def test_synthetic_voices_are_the_same_whatever_was_said_before() -> None:
    """espeak carries a state over, and seeds itself with the time of day, which some of its voices
    let be heard."""
    synthesize("Something else was said before.", 8000)
    first, again = (synthetic.voices.__wrapped__(8000, "validation") for _ in range(2))
    for one, other in zip(first, again, strict=True):
        said = [[phrase.tobytes() for voice in each for phrase in voice.phrases]
                for each in (one, other)]  # fmt: skip
        assert said[0] == said[1]
        assert said[0]
