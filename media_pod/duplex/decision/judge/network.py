"""The recurrent network: dense with ReLU, one GRU cell, three logits.

The gates are those of `torch.nn.GRU` (Cho et al., 2014, with the reset gate after the product, as
in cuDNN), so that the arrays of a trained `torch.nn.Linear`, `GRU` and `Linear` are used as they
are. Rows do not depend on each other, bit by bit: `product` has the reasons.
"""

from collections.abc import Mapping, Sequence
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
    """One network's arrays, as PyTorch shapes them."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the arrays of `ARRAYS`.

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
        self.arrays = {name: np.asarray(arrays[name], np.float32) for name in ARRAYS}


class Ensemble:
    """Networks of one shape whose logits are averaged, with the state of every slot.

    All networks take a step together: a product of small arrays costs as much as its call.
    """

    def __init__(self, networks: Sequence[Network], slots: int) -> None:
        """Create the state of `slots` slots.

        Raises:
            ValueError: the networks differ in shape.
        """
        self._hidden = networks[0].hidden
        for network in networks[1:]:
            for name in ARRAYS:
                one, other = networks[0].arrays[name].shape, network.arrays[name].shape
                if one != other:
                    raise ValueError(
                        f"the array {name} is {list(one)} in one network, {list(other)} in another"
                    )

        stacked = {name: np.stack([each.arrays[name] for each in networks]) for name in ARRAYS}
        self._dense, self._dense_bias = stacked["dense.weight"], _of_rows(stacked["dense.bias"])
        self._input = stacked["gru.weight_ih_l0"]
        self._input_bias = _of_rows(stacked["gru.bias_ih_l0"])
        self._recurrent = stacked["gru.weight_hh_l0"]
        self._recurrent_bias = _of_rows(stacked["gru.bias_hh_l0"])
        self._out, self._out_bias = stacked["out.weight"], _of_rows(stacked["out.bias"])
        self._state = np.zeros((len(networks), slots, self._hidden), np.float32)
        self._before = self._state

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        self._state[:, slot] = 0

    def step(self, features: Floats, held: NDArray[np.bool_]) -> Floats:
        """Advance every slot by one tick, those in `held` [slots] without a change of their state;
        [slots, len(OUTPUTS)] logits.
        """
        self._before = self._state
        logits, after = self._run(features, self._before)
        if held.any():
            after[:, held] = self._before[:, held]
        self._state = after
        return logits

    def again(self, features: Floats, slots: NDArray[np.intp]) -> Floats:
        """[rows, len(OUTPUTS)] what the latest step would have given for other features.

        Args:
            features: [rows, features].
            slots: [rows] the slot of each row.
        """
        return self._run(features, self._before[:, slots])[0]

    def _run(self, features: Floats, state: Floats) -> tuple[Floats, Floats]:
        """One step of each row: mean logits, and the new state.

        Args:
            features: [rows, features].
            state: [networks, rows, hidden], of the step before; zeros at first.
        """
        x = product(features, self._dense) + self._dense_bias
        np.maximum(x, 0, out=x)
        of_input = product(x, self._input) + self._input_bias
        of_state = product(state, self._recurrent) + self._recurrent_bias
        two = 2 * self._hidden
        gates = of_input[..., :two] + of_state[..., :two]
        # The logistic function by tanh cannot overflow.
        gates = np.tanh(gates * _HALF) * _HALF + _HALF
        reset, update = gates[..., : self._hidden], gates[..., self._hidden :]
        candidate = np.tanh(of_input[..., two:] + reset * of_state[..., two:])
        state = candidate + update * (state - candidate)
        logits = product(state, self._out) + self._out_bias
        mean: Floats = logits.sum(axis=0) / np.float32(len(logits))
        return mean, state


def _of_rows(bias: Floats) -> Floats:
    """[networks, 1, columns] of [networks, columns]."""
    return bias[:, None]
