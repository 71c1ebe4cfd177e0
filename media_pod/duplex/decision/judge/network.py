"""The recurrent network: dense with ReLU, one GRU cell, three logits.

The gates are those of `torch.nn.GRU` (Cho et al., 2014, with the reset gate after the product, as
in cuDNN), so that the arrays of a trained `torch.nn.Linear`, `GRU` and `Linear` are used as they
are. Rows do not depend on each other, bit by bit: `product` has the reasons.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.products import product

Floats = NDArray[np.float32]

OUTPUTS: Final = ("near", "speech", "turn")
"""Logits: someone or something at the caller's end sounds; it is a voice; it takes the turn."""
ARRAYS: Final = (
    "dense.weight",
    "dense.bias",
    "gru.weight_ih_l0",
    "gru.weight_hh_l0",
    "gru.bias_ih_l0",
    "gru.bias_hh_l0",
    "out.weight",
    "out.bias",
)
"""Names in the `state_dict` of a module with the layers `dense`, `gru` and `out`."""

_HALF: Final = np.float32(0.5)


class Network:
    """One network's weights; the state of its rows is the caller's to keep."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the arrays of `ARRAYS`, shaped as PyTorch shapes them.

        Raises:
            ValueError: an array is missing, or does not fit the others.
        """
        missing = [name for name in ARRAYS if name not in arrays]
        if missing:
            raise ValueError(f"the array {missing[0]} is missing")

        dense, hidden = arrays["dense.weight"], arrays["gru.weight_hh_l0"].shape[-1]
        expected = {
            "dense.weight": dense.shape[:1] + dense.shape[-1:],
            "dense.bias": dense.shape[:1],
            "gru.weight_ih_l0": (3 * hidden, dense.shape[0]),
            "gru.weight_hh_l0": (3 * hidden, hidden),
            "gru.bias_ih_l0": (3 * hidden,),
            "gru.bias_hh_l0": (3 * hidden,),
            "out.weight": (len(OUTPUTS), hidden),
            "out.bias": (len(OUTPUTS),),
        }
        for name, shape in expected.items():
            if arrays[name].shape != shape:
                raise ValueError(
                    f"the array {name} is {list(arrays[name].shape)}, not {list(shape)}"
                )
        self.features, self.hidden = dense.shape[1], hidden
        self._dense, self._dense_bias = _matrix(dense), _vector(arrays["dense.bias"])
        self._input = _matrix(arrays["gru.weight_ih_l0"])
        self._input_bias = _vector(arrays["gru.bias_ih_l0"])
        self._recurrent = _matrix(arrays["gru.weight_hh_l0"])
        self._recurrent_bias = _vector(arrays["gru.bias_hh_l0"])
        self._out, self._out_bias = _matrix(arrays["out.weight"]), _vector(arrays["out.bias"])

    def __call__(self, features: Floats, state: Floats) -> tuple[Floats, Floats]:
        """One step of each row.

        Args:
            features: [rows, features].
            state: [rows, hidden], of the step before; zeros at first.

        Returns:
            [rows, len(OUTPUTS)] logits, and the new state.
        """
        x = product(features, self._dense) + self._dense_bias
        np.maximum(x, 0, out=x)
        of_input = product(x, self._input) + self._input_bias
        of_state = product(state, self._recurrent) + self._recurrent_bias
        gates = of_input[:, : 2 * self.hidden] + of_state[:, : 2 * self.hidden]
        # The logistic function by tanh cannot overflow.
        gates = np.tanh(gates * _HALF) * _HALF + _HALF
        reset, update = gates[:, : self.hidden], gates[:, self.hidden :]
        candidate = np.tanh(of_input[:, 2 * self.hidden :] + reset * of_state[:, 2 * self.hidden :])
        state = candidate + update * (state - candidate)
        return product(state, self._out) + self._out_bias, state


class Ensemble:
    """Several networks whose logits are averaged, with the state of every slot."""

    def __init__(self, networks: tuple[Network, ...], slots: int) -> None:
        self._networks = networks
        self._states = [np.zeros((slots, network.hidden), np.float32) for network in networks]
        self._before = self._states

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        for state in self._states:
            state[slot] = 0

    def step(self, features: Floats, held: NDArray[np.bool_]) -> Floats:
        """Advance every slot by one tick, those in `held` [slots] without a change of their state;
        [slots, len(OUTPUTS)] logits.
        """
        self._before = self._states
        logits, after = self._run(features, self._before)
        self._states = [
            np.where(held[:, None], old, new) for old, new in zip(self._before, after, strict=True)
        ]
        return logits

    def again(self, features: Floats, slots: NDArray[np.intp]) -> Floats:
        """[rows, len(OUTPUTS)] what the latest step would have given for other features.

        Args:
            features: [rows, features].
            slots: [rows] the slot of each row.
        """
        logits, _ = self._run(features, [state[slots] for state in self._before])
        return logits

    def _run(self, features: Floats, states: list[Floats]) -> tuple[Floats, list[Floats]]:
        runs = [
            network(features, state) for network, state in zip(self._networks, states, strict=True)
        ]
        logits = [logits for logits, _ in runs]
        mean: Floats = sum(logits[1:], start=logits[0]) / np.float32(len(runs))
        return mean, [state for _, state in runs]


def _matrix(weight: NDArray[np.float32]) -> Floats:
    return np.ascontiguousarray(weight.T, np.float32)


def _vector(bias: NDArray[np.float32]) -> Floats:
    return np.ascontiguousarray(bias, np.float32)
