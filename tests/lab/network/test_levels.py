import math

import numpy as np
import pytest

from interject_lab.network.levels import active_level_dbfs, is_sound, speech_bounds
from lab.conftest import Talk


def test_the_active_level_does_not_count_pauses(talk: Talk) -> None:
    spoken = talk(2.0, level_dbfs=-20.0)
    with_pauses = np.concatenate([spoken, np.zeros(32_000, np.int16), spoken])
    alone_dbfs = active_level_dbfs(spoken, 8000)
    assert alone_dbfs == pytest.approx(-20.0, abs=1.0)
    assert active_level_dbfs(with_pauses, 8000) == pytest.approx(alone_dbfs, abs=0.1)


def test_silence_has_no_level_and_no_bounds() -> None:
    silence = np.zeros(8000, np.int16)
    assert active_level_dbfs(silence, 8000) == -math.inf
    assert speech_bounds(silence, 8000) == (0, 0)
    assert not is_sound(silence[:160])


def test_bounds_are_those_of_the_talk_not_of_the_file(talk: Talk) -> None:
    breath = np.full(4000, 3, np.int16)
    spoken = np.full(8000, 0, np.int16)
    spoken[::20] = 8000
    onset, end = speech_bounds(np.concatenate([breath, spoken, breath]), 8000)
    assert (onset, end) == (4000, 12_000)
