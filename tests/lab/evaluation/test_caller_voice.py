"""What the scripted caller sounds like."""

from pathlib import Path

import numpy as np
import pytest

from interject_lab.audio_files import write_stereo
from interject_lab.evaluation.calls.caller_voice import caller_speech
from lab.conftest import make_talk
from lab.evaluation.scenarios import scenario
from media_pod.errors import SetupError
from media_pod.providers.ports import ProviderError

RATE_HZ = 16_000


async def test_steps_with_words_are_spoken_and_their_words_have_times() -> None:
    steps = scenario(
        {"say": "Hello. Is anybody there?"},
        {"key": "1"},
        {"interrupt": {"afterWords": 1, "say": "Stop!"}},
    ).steps
    made = await caller_speech(steps, Path(), RATE_HZ, None)
    assert list(made) == [0, 2]
    assert [word.text for word in made[0].words] == ["Hello.", "Is", "anybody", "there?"]
    ends = [word.end_sample for word in made[0].words]
    assert ends == sorted(ends)
    assert ends[-1] <= made[0].pcm.size
    assert made[0].pcm.size > made[2].pcm.size > RATE_HZ / 10


async def test_a_recording_is_played_as_it_is(tmp_path: Path) -> None:
    talk = make_talk(1.0)
    write_stereo(tmp_path / "yes.wav", talk, talk, RATE_HZ)
    steps = scenario({"say": "Yes, please.", "recording": "yes.wav"}).steps
    made = (await caller_speech(steps, tmp_path, RATE_HZ, None))[0]
    np.testing.assert_array_equal(made.pcm, talk)
    assert [word.text for word in made.words] == ["Yes,", "please."]
    assert made.words[-1].end_sample == talk.size


async def test_what_cannot_be_spoken_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no speech in '--'"):
        await caller_speech(scenario({"say": "--"}).steps, tmp_path, RATE_HZ, None)
    missing = scenario({"say": "Yes.", "recording": "no.wav"}).steps
    with pytest.raises(SetupError, match=r"no\.wav"):
        await caller_speech(missing, tmp_path, RATE_HZ, None)
    with pytest.raises((SetupError, ProviderError), match=r"no\.onnx"):
        voice = tmp_path / "no.onnx"
        await caller_speech(scenario({"say": "Yes."}).steps, tmp_path, RATE_HZ, voice)
