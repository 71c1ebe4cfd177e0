"""The detector of a bank: the learned judge if its weights are in the package, else the rule."""

from pathlib import Path
from typing import Protocol

from media_pod.duplex.decision.detector import BargeInDetector, SequentialDetector
from media_pod.duplex.decision.judge.judge import LearnedDetector
from media_pod.duplex.decision.judge.weights import PACKAGED, load


class DetectorFactory(Protocol):
    """Makes a bank's detector."""

    def __call__(
        self, slots: int, threshold_bias: float, *, keep_backchannels: bool
    ) -> BargeInDetector: ...


def rule_detector(
    slots: int, threshold_bias: float, *, keep_backchannels: bool
) -> SequentialDetector:
    """The rule judge. It cannot tell a backchannel from a turn, so both stop the bot."""
    return SequentialDetector(slots, threshold_bias)


def default_detector(packaged: Path = PACKAGED) -> DetectorFactory:
    """The learned judge with the weights in `packaged`, or the rule judge without such a file.

    Raises:
        JudgeWeightsError: the file is not one of weights for this version.
        OSError: it cannot be read.
    """
    if not packaged.exists():
        return rule_detector

    weights = load(packaged)

    def learned(slots: int, threshold_bias: float, *, keep_backchannels: bool) -> BargeInDetector:
        return LearnedDetector(slots, threshold_bias, weights, keep_backchannels=keep_backchannels)

    return learned
