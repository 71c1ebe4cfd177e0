"""The recurrent network, against PyTorch's."""

import numpy as np
import pytest
import torch

from duplex.judging import random_arrays
from media_pod.duplex.decision.judge.network import Ensemble, Network

FEATURES, TICKS, SLOTS = 20, 40, 5
RUNNING = np.zeros(SLOTS, np.bool_)


def inputs(rows: int = SLOTS) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rng = np.random.default_rng(5)
    return rng.standard_normal((TICKS, rows, FEATURES)).astype(np.float32)


def test_arrays_of_pytorch_give_what_they_give_there() -> None:
    arrays = random_arrays(3, FEATURES)
    dense = torch.nn.Linear(FEATURES, 32)
    gru = torch.nn.GRU(32, 24)
    out = torch.nn.Linear(24, 3)
    for name, module in (("dense", dense), ("gru", gru), ("out", out)):
        own = {k.removeprefix(f"{name}."): v for k, v in arrays.items() if k.startswith(name)}
        module.load_state_dict({key: torch.from_numpy(value) for key, value in own.items()})
    with torch.no_grad():
        expected = out(gru(torch.relu(dense(torch.from_numpy(inputs()))))[0]).numpy()
    ensemble = Ensemble((Network(arrays),), SLOTS)
    logits = np.stack([ensemble.step(features, RUNNING) for features in inputs()])
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_logits_of_several_networks_are_averaged() -> None:
    networks = [Network(random_arrays(seed, FEATURES)) for seed in (1, 2)]
    both = Ensemble(tuple(networks), SLOTS)
    alone = [Ensemble((network,), SLOTS) for network in networks]
    for features in inputs():
        one, other = (ensemble.step(features, RUNNING) for ensemble in alone)
        np.testing.assert_allclose(both.step(features, RUNNING), (one + other) / 2, rtol=1e-6)


def test_rows_do_not_depend_on_each_other_bit_by_bit() -> None:
    network = Network(random_arrays(1, FEATURES))
    together, alone = Ensemble((network,), SLOTS), Ensemble((network,), 1)
    for features in inputs():
        one, other = together.step(features, RUNNING)[3], alone.step(features[3:4], RUNNING[:1])[0]
        assert np.array_equal(one, other)


def test_a_reset_slot_has_no_memory_and_the_others_keep_theirs() -> None:
    network = Network(random_arrays(1, FEATURES))
    used, undisturbed, fresh = (Ensemble((network,), SLOTS) for _ in range(3))
    for features in inputs():
        used.step(features, RUNNING)
        undisturbed.step(features, RUNNING)
    used.reset(2)
    for features in inputs():
        logits = used.step(features, RUNNING)
        assert np.array_equal(logits[2], fresh.step(features, RUNNING)[2])
        assert np.array_equal(logits[3], undisturbed.step(features, RUNNING)[3])


def test_a_held_slot_goes_on_from_where_it_was() -> None:
    network = Network(random_arrays(1, FEATURES))
    paused, other = (Ensemble((network,), SLOTS) for _ in range(2))
    before, between, after = inputs()[:10], inputs()[10:20], inputs()[20:]
    for features in before:
        paused.step(features, RUNNING)
        other.step(features, RUNNING)
    for features in between:
        paused.step(features, np.arange(SLOTS) == 2)
    for features in after:
        assert np.array_equal(paused.step(features, RUNNING)[2], other.step(features, RUNNING)[2])


def test_a_step_can_be_made_again_with_other_features() -> None:
    ensemble = Ensemble((Network(random_arrays(1, FEATURES)),), SLOTS)
    for features in inputs():
        logits = ensemble.step(features, RUNNING)
    again = ensemble.again(inputs()[-1][[4, 1]], np.array([4, 1]))
    assert np.array_equal(again, logits[[4, 1]])


@pytest.mark.parametrize("name", ["gru.bias_hh_l0", "out.weight"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    arrays = random_arrays(1, FEATURES)
    arrays[name] = arrays[name][:-1]
    with pytest.raises(ValueError, match=f"the array {name} is "):
        Network(arrays)
    del arrays[name]
    with pytest.raises(ValueError, match=f"the array {name} is missing"):
        Network(arrays)


def test_networks_of_different_shapes_are_no_ensemble() -> None:
    networks = [Network(random_arrays(1, FEATURES)), Network(random_arrays(1, FEATURES + 1))]
    with pytest.raises(ValueError, match=r"dense\.weight is \[32, 20\] in one network, \[32, 21\]"):
        Ensemble(networks, SLOTS)
