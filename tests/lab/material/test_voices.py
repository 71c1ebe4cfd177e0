import numpy as np
import pytest

from interject_lab.material.voices import CALLER_PHRASE_S, at_level, cut
from interject_lab.network.levels import active_level_dbfs
from lab.conftest import make_talk

RATE_HZ = 8000


def test_recordings_are_cut_at_their_pauses() -> None:
    talk, other = make_talk(1.2), make_talk(0.9)
    pause = np.zeros(RATE_HZ, np.int16)
    phrases = cut(np.concatenate([pause, talk, pause, other]), RATE_HZ, CALLER_PHRASE_S)
    assert [phrase.size / RATE_HZ for phrase in phrases] == pytest.approx([1.2, 0.9], abs=0.15)


def test_short_talk_goes_on_with_the_next_and_long_talk_is_cut() -> None:
    talk = make_talk(0.5)
    pause = np.zeros(RATE_HZ // 2, np.int16)
    (joined,) = cut(np.concatenate([talk, pause, talk]), RATE_HZ, (0.8, 5.0))
    assert joined.size / RATE_HZ == pytest.approx(1.5, abs=0.3)
    (short,) = cut(np.tile(talk, 6), RATE_HZ, (0.6, 2.5))
    assert short.size / RATE_HZ == pytest.approx(2.5, abs=0.2)
    assert cut(pause, RATE_HZ, CALLER_PHRASE_S) == []


def test_levels_are_set_by_the_active_part() -> None:
    talk = make_talk(1.5)
    with_pause = np.concatenate([talk, np.zeros(5 * RATE_HZ, np.int16)])
    for pcm in (talk, with_pause):
        levelled = at_level(pcm, RATE_HZ, -26.0)
        assert active_level_dbfs(levelled, RATE_HZ) == pytest.approx(-26.0, abs=0.1)
