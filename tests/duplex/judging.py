"""Weights for tests of the learned judge: random ones, and a network that hears what it is told."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import Decision
from media_pod.duplex.decision.detector import BargeInDetector, Detection, Evidence
from media_pod.duplex.decision.judge.features import FEATURES, NAMES, FeatureExtractor
from media_pod.duplex.decision.judge.judge import LearnedDetector
from media_pod.duplex.decision.judge.network import Network
from media_pod.duplex.decision.judge.stop_rule import StopRule
from media_pod.duplex.decision.judge.weights import JudgeWeights

Floats = NDArray[np.float32]
RULE = StopRule(
    bias=0.5, speech_bias=0.0, stop_above=4.0, turn_threshold=1.0, voice_ms=500, hangover_ms=300
)


def random_arrays(
    seed: int, features: int = FEATURES, dense: int = 32, hidden: int = 24
) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    shapes = {
        "dense.weight": (dense, features),
        "dense.bias": (dense,),
        "gru.weight_ih_l0": (3 * hidden, dense),
        "gru.weight_hh_l0": (3 * hidden, hidden),
        "gru.bias_ih_l0": (3 * hidden,),
        "gru.bias_hh_l0": (3 * hidden,),
        "out.weight": (3, hidden),
        "out.bias": (3,),
    }
    return {
        name: (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        for name, shape in shapes.items()
    }


def random_weights() -> JudgeWeights:
    """Two networks of random weights, whose logits are large enough to decide now and then."""
    networks = []
    for seed in (1, 2):
        arrays = random_arrays(seed)
        arrays["out.weight"] *= 10
        arrays["out.bias"] += 4
        networks.append(Network(arrays))
    return JudgeWeights(tuple(networks), replace(RULE, bias=-1.0, turn_threshold=-5.0), "random")


def random_judge(slots: int, threshold_bias: float, *, keep_backchannels: bool) -> LearnedDetector:
    return LearnedDetector(
        slots, threshold_bias, random_weights(), keep_backchannels=keep_backchannels
    )


def told() -> Network:
    """Logits that are features: near and speech `speech`, turn `delay_ratio_near_lag`.

    Of so small inputs the hyperbolic tangent is the identity, within a thousandth.
    """
    small, unit = np.float32(0.01), 24
    arrays = {name: np.zeros_like(array) for name, array in random_arrays(0).items()}
    for place, name in enumerate(("speech", "delay_ratio_near_lag")):
        for sign, row in ((1, 2 * place), (-1, 2 * place + 1)):
            arrays["dense.weight"][row, NAMES.index(name)] = sign
            arrays["gru.weight_ih_l0"][2 * unit + place, row] = sign * small
    # No memory: an update gate that is shut.
    arrays["gru.bias_ih_l0"][unit : 2 * unit] = -100
    for output, place in ((0, 0), (1, 0), (2, 1)):
        arrays["out.weight"][output, place] = 4 / small
    return Network(arrays)


def patient() -> Network:
    """Hears a voice after about half a second, whatever the features are: a state that charges."""
    unit = 24
    arrays = {name: np.zeros_like(array) for name, array in random_arrays(0).items()}
    arrays["gru.bias_ih_l0"][unit : 2 * unit] = 3.5
    arrays["gru.bias_ih_l0"][2 * unit :] = 5
    arrays["out.weight"][:, 0] = 20
    arrays["out.bias"][:] = -10
    return Network(arrays)


class FeatureTape:
    """A detector that never decides and keeps the features of every tick."""

    needs_signals = True

    def __init__(self, slots: int) -> None:
        self._features = FeatureExtractor(slots)
        self.ticks: list[Floats] = []

    def reset(self, slot: int) -> None:
        self._features.reset(slot)

    def step(self, evidence: Evidence) -> Detection:
        self.ticks.append(self._features.step(evidence))
        nothing = np.full(len(evidence.speech), Decision.NONE, np.int8)
        return Detection(nothing, nothing)

    def make(
        self, slots: int, threshold_bias: float, *, keep_backchannels: bool
    ) -> BargeInDetector:
        """The factory for a bank."""
        return self
