"""A training from the calls to the weights, in small."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interject_lab.material.material import Material, Split
from interject_lab.material.splits import split_of
from interject_lab.training import choosing, recording
from interject_lab.training.recording import Recordings, record
from interject_lab.training.train import Trained, TrainingPlan, train
from lab.conftest import small_material
from media_pod.duplex.decision.judge.features import FEATURES, VERSION
from media_pod.duplex.decision.judge.weights import load

CALLS, CALL_S = 5, 4.0
TICKS = 200
MIX = {"loud-echo": 0.4, "backchannels": 0.6}

_CORPORA = ("one", "other")

Made = tuple[TrainingPlan, Trained, list[str], Path]


def _material(corpus: Path | None, rate_hz: int, split: Split) -> Material:
    return small_material(split)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("load", "loaded"):
            patch.setattr(recording, name, _material)
        patch.setattr(recording, "CHUNK", 2)
        for name in ("BIASES", "TURN_THRESHOLDS", "VOICES_MS"):
            patch.setattr(choosing, name, getattr(choosing, name)[:2])
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("train")
    plan = TrainingPlan(
        CALLS, 1, None, folder / "calls", networks=1, units=8, epochs=2, call_s=CALL_S, mix=MIX
    )
    steps: list[str] = []
    trained = train(plan, folder / "weights.npz", steps.append, lambda done, calls: None)
    return plan, trained, steps, folder / "weights.npz"


def again(
    plan: TrainingPlan, on_calls: Callable[[int, int], None] = lambda done, calls: None
) -> Recordings:
    return record(
        plan.calls, plan.seed, "train", plan.corpus, plan.folder, 1, on_calls,
        seconds=plan.call_s, mix=plan.mix,
    )  # fmt: skip


def test_weights_are_written_that_a_pod_loads(made: Made) -> None:
    plan, trained, _, path = made
    weights = load(path)
    assert [network.hidden for network in weights.networks] == [plan.units]
    assert weights.rule == trained.rule
    assert weights.provenance == plan.provenance
    assert "--calls 5 --seed 1 --epochs 2: 0.0 h" in weights.provenance


def test_every_epoch_says_its_losses(made: Made) -> None:
    _, trained, steps, _ = made
    assert [epoch.number for epoch in trained.epochs] == [1, 2]
    assert all(np.isfinite([e.train_loss, e.validation_loss]).all() for e in trained.epochs)
    assert sum("epoch" in step for step in steps) == 2


def test_the_chosen_rule_is_marked_among_the_candidates(made: Made) -> None:
    _, trained, _, _ = made
    header, rows = trained.as_table()
    marked = [row for row in rows if row[0].endswith(" *")]
    assert len(marked) == 1
    assert marked[0][header.index("turn_threshold")] == f"{trained.rule.turn_threshold:g}"


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(
    made: Made, tmp_path: Path
) -> None:
    plan, _, _, path = made
    for seed, same in ((plan.seed, True), (plan.seed + 1, False)):
        # Of the same calls: their seed is in the names of their files.
        for file in plan.folder.iterdir():
            name = file.name.replace(f"-{VERSION}-1-", f"-{VERSION}-{seed}-")
            assert seed == plan.seed or name != file.name
            (tmp_path / str(seed)).mkdir(exist_ok=True)
            (tmp_path / str(seed) / name).write_bytes(file.read_bytes())
        other = replace(plan, folder=tmp_path / str(seed), seed=seed)
        out = tmp_path / f"{seed}.npz"
        train(other, out, lambda step: None, lambda done, calls: None)
        assert (out.read_bytes() == path.read_bytes()) == same


def test_an_interrupted_recording_goes_on(made: Made) -> None:
    plan, *_ = made
    whole = again(plan)
    assert whole.features.shape == (CALLS, TICKS, FEATURES)
    assert whole.labels.shape == (CALLS, TICKS, 5)
    assert {0, 1} == set(whole.labels[:, :, 0].ravel())
    files = sorted(plan.folder.glob("train-*"))
    assert len(files) == 3
    times = {file: file.stat().st_mtime_ns for file in files[1:]}
    files[0].unlink()
    done: list[tuple[int, int]] = []
    repeated = again(plan, lambda *both: done.append(both))
    assert done == [(3, CALLS), (CALLS, CALLS)]
    assert {file: file.stat().st_mtime_ns for file in times} == times
    np.testing.assert_array_equal(repeated.features, whole.features)
    np.testing.assert_array_equal(repeated.labels, whole.labels)


def test_recordings_of_another_corpus_or_length_are_not_taken(made: Made, tmp_path: Path) -> None:
    plan, *_ = made
    for corpus in _CORPORA:
        (tmp_path / corpus / "speech" / "ann").mkdir(parents=True)
        (tmp_path / corpus / "speech" / "ann" / f"{corpus}.wav").write_bytes(b"")
    counts = {"loud-echo": 2}
    job = recording._Job("", (), 1, "train", None, CALL_S, 8000, plan.folder)
    paths = {
        each.path
        for other in (
            job,
            replace(job, seconds=40.0),
            *(replace(job, corpus=tmp_path / corpus, split=split_of("ann")) for corpus in _CORPORA),
        )
        for each in recording._jobs(counts, other)
    }
    assert len(paths) == 4
    assert sum(path.exists() for path in paths) == 1
