"""Files of weights of the learned judge."""

from pathlib import Path

import numpy as np
import pytest

from duplex.judging import RULE, random_arrays
from media_pod.duplex.decision.default import default_detector
from media_pod.duplex.decision.detector import SequentialDetector
from media_pod.duplex.decision.judge.features import FEATURES, VERSION
from media_pod.duplex.decision.judge.judge import LearnedDetector
from media_pod.duplex.decision.judge.weights import JudgeWeightsError, load, save


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "judge_weights.npz"
    save(path, [random_arrays(1), random_arrays(2)], RULE, "random, for tests")
    return path


def changed(path: Path, name: str, value: object) -> None:
    with np.load(path) as file:
        arrays = {key: file[key] for key in file} | {name: value}
    np.savez(path, allow_pickle=False, **arrays)


def test_what_is_saved_is_loaded(saved: Path) -> None:
    weights = load(saved)
    assert len(weights.networks) == 2
    assert weights.rule == RULE
    assert weights.provenance == "random, for tests"
    for network, seed in zip(weights.networks, (1, 2), strict=True):
        for name, array in random_arrays(seed).items():
            assert np.array_equal(network.arrays[name], array)


def test_weights_for_other_features_say_which_and_how_to_make_new_ones(saved: Path) -> None:
    changed(saved, "features_version", np.array(VERSION + 1))
    with pytest.raises(JudgeWeightsError) as caught:
        load(saved)
    text = str(caught.value)
    assert f"version {VERSION + 1} of the features" in text
    assert f"this is version {VERSION}" in text
    assert "interject lab train" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("0.out.bias", np.zeros(2, np.float32), r"the array out\.bias is \[2\], not \[3\]"),
        (
            "0.dense.weight",
            np.zeros((32, 7), np.float32),
            f"a network of 7 features, not {FEATURES}",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    saved: Path, name: str, value: object, text: str
) -> None:
    changed(saved, name, value)
    with pytest.raises(JudgeWeightsError, match=text):
        load(saved)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "judge_weights.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(JudgeWeightsError, match="not a file of the judge's weights"):
        load(path)


def test_a_network_that_a_tick_has_no_time_for_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="parameters, at most 60000"):
        save(tmp_path / "large.npz", [random_arrays(1, dense=128, hidden=128)], RULE, "")


def test_the_judge_is_the_learned_one_where_its_weights_are(saved: Path) -> None:
    learned = default_detector(saved)(2, 0.25, keep_backchannels=True)
    rule = default_detector(saved.with_name("absent.npz"))(2, 0.25, keep_backchannels=True)
    assert isinstance(learned, LearnedDetector)
    assert isinstance(rule, SequentialDetector)
