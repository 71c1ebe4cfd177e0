"""The recurrent network, against PyTorch's."""

import numpy as np
import pytest
import torch

from duplex.judging import random_arrays
from media_pod.duplex.decision.judge.network import Ensemble, Network

FEATURES, TICKS, SLOTS = 20, 40, 5


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
    logits = np.stack([ensemble.step(features) for features in inputs()])
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_logits_of_several_networks_are_averaged() -> None:
    networks = [Network(random_arrays(seed, FEATURES)) for seed in (1, 2)]
    both = Ensemble(tuple(networks), SLOTS)
    alone = [Ensemble((network,), SLOTS) for network in networks]
    for features in inputs():
        one, other = (ensemble.step(features) for ensemble in alone)
        np.testing.assert_allclose(both.step(features), (one + other) / 2, rtol=1e-6)


def test_rows_do_not_depend_on_each_other_bit_by_bit() -> None:
    network = Network(random_arrays(1, FEATURES))
    together, alone = Ensemble((network,), SLOTS), Ensemble((network,), 1)
    for features in inputs():
        assert np.array_equal(together.step(features)[3], alone.step(features[3:4])[0])


def test_a_reset_slot_has_no_memory_and_the_others_keep_theirs() -> None:
    network = Network(random_arrays(1, FEATURES))
    used, undisturbed, fresh = (Ensemble((network,), SLOTS) for _ in range(3))
    for features in inputs():
        used.step(features)
        undisturbed.step(features)
    used.reset(2)
    for features in inputs():
        logits = used.step(features)
        assert np.array_equal(logits[2], fresh.step(features)[2])
        assert np.array_equal(logits[3], undisturbed.step(features)[3])


def test_a_step_can_be_made_again_with_other_features() -> None:
    ensemble = Ensemble((Network(random_arrays(1, FEATURES)),), SLOTS)
    for features in inputs():
        logits = ensemble.step(features)
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
