"""The description of a voice, and its model."""

import json
from pathlib import Path
from typing import Any

import pytest

from media_pod.errors import SetupError
from media_pod.providers.piper.graph import PiperGraph
from media_pod.providers.piper.voice_file import read_voice_file
from providers.piper.tiny_voice import FRAME_SAMPLES, write_voice


def test_phonemes_become_ids_with_pads_between(tmp_path: Path) -> None:
    ids = {"_": [0], "^": [1], "$": [2], "a": [20], "b": [30, 31]}
    voice = read_voice_file(write_voice(tmp_path, phoneme_id_map=ids))
    encoded, starts = voice.encode("ab?a")
    assert encoded == [1, 0, 20, 0, 30, 31, 0, 20, 0, 2]
    assert starts == [2, 4, 7, 7]  # "?" is unknown: it takes no time


def test_scales_of_the_description_are_used_and_have_defaults(tmp_path: Path) -> None:
    own = read_voice_file(write_voice(tmp_path, inference={"length_scale": 1.5}))
    assert (own.noise_scale, own.length_scale, own.noise_w) == (0.667, 1.5, 0.8)
    assert own.rate_hz == 16_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phoneme_type": "pinyin"}, "phoneme_type is 'pinyin', expected 'espeak'"),
        ({"phoneme_id_map": {"a": [1]}}, r"phoneme_id_map has no \$, \^, _"),
        ({"audio": {}}, "KeyError: 'sample_rate'"),
        ({"espeak": None}, "TypeError: .*; expected the description of a Piper voice"),
    ],
)
def test_another_description_is_refused_with_its_path(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = write_voice(tmp_path, **changes)
    with pytest.raises(SetupError, match=rf"tiny\.onnx\.json: .*{message}"):
        read_voice_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = write_voice(tmp_path)
    path.with_name("tiny.onnx.json").unlink()
    with pytest.raises(SetupError, match=r"tiny\.onnx\.json: no such file; expected .*NAME\.onnx"):
        read_voice_file(path)
    with pytest.raises(SetupError, match=r"other\.onnx: no such file"):
        read_voice_file(tmp_path / "other.onnx")


def test_a_description_that_is_not_json_is_refused(tmp_path: Path) -> None:
    path = write_voice(tmp_path)
    path.with_name("tiny.onnx.json").write_text("[]")
    with pytest.raises(SetupError, match="expected the description of a Piper voice"):
        read_voice_file(path)
    path.with_name("tiny.onnx.json").write_text(json.dumps({})[:1])
    with pytest.raises(SetupError, match="JSONDecodeError"):
        read_voice_file(path)


def test_the_graph_tells_when_each_id_ends(tmp_path: Path) -> None:
    made = PiperGraph(write_voice(tmp_path)).run([2, 1, 10, 1, 3], 0.6, 2.0, 0.8)
    assert made.ends is not None
    assert made.ends.tolist() == [n * FRAME_SAMPLES for n in (4, 6, 26, 28, 34)]
    assert made.samples.size == made.ends[-1]


def test_a_graph_without_the_durations_speaks_all_the_same(tmp_path: Path) -> None:
    made = PiperGraph(write_voice(tmp_path, durations="durations")).run([2, 1, 3], 0.6, 1.0, 0.8)
    assert made.ends is None
    assert made.samples.size == 6 * FRAME_SAMPLES


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(SetupError, match=r"tiny\.onnx: onnxruntime cannot load it"):
        PiperGraph(path)
