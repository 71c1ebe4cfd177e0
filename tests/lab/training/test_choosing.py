"""The choice of a stop rule, with a network that gives its features as logits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from interject_lab.training import choosing
from interject_lab.training.choosing import choose, in_a_bank
from interject_lab.training.fitting import JudgeNetwork
from interject_lab.training.recording import Recordings
from media_pod.duplex.decision.detector import NORMAL_BIAS
from media_pod.duplex.decision.judge.stop_rule import StopRule

TICKS = 450
TURN = slice(100, 160)
PARTS = slice(120, 128)
"""A pause inside the turn."""
BACKCHANNEL = slice(300, 315)
NOISE = slice(400, 415)


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIASES", "TURN_THRESHOLDS", "VOICES_MS"):
        monkeypatch.setattr(choosing, name, getattr(choosing, name)[1:4:2])


class Told(JudgeNetwork):
    """Logits that are the features."""

    def __init__(self) -> None:
        super().__init__(3, 1)

    def forward(
        self, features: torch.Tensor, state: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return features, torch.zeros(1)


def recordings(echo: bool = True) -> Recordings:
    """One call over the bot: an interruption with a pause, a backchannel and a noise."""
    labels = np.zeros((1, TICKS, 5), np.float32)
    near, speech, turn = (labels[0, :, column] for column in range(3))
    near[TURN] = near[BACKCHANNEL] = near[NOISE] = 1
    speech[TURN] = speech[BACKCHANNEL] = 1
    turn[TURN] = 1
    labels[0, PARTS, :3] = 0
    labels[0, :, 4] = echo
    logits = np.where(labels[:, :, :3] > 0, 8, -8)
    logits[0, TURN, 2] = 8
    return Recordings(logits.astype(np.float16), labels)


def with_false_alarms(calls: Recordings, first: int, ticks: int = 20) -> Recordings:
    features = calls.features.copy()
    features[0, first : first + ticks, :] = 8
    return replace(calls, features=features)


def test_a_network_that_hears_everything_misses_nothing_and_keeps_the_backchannel() -> None:
    chosen, tried = choose([Told()], recordings())
    assert chosen in tried
    assert chosen.missed_percent == 0
    assert chosen.false_per_hour == 0
    assert chosen.backchannels_kept_percent == 100
    assert 40 <= chosen.stop_p50_ms <= 120


def test_a_stop_up_to_300_ms_after_a_sound_is_its_own_and_a_later_one_is_false() -> None:
    # Evidence of one tick at a time rises three ticks later.
    for first, false in ((NOISE.stop + 2, 0), (NOISE.stop + 15, 1)):
        _, tried = choose([Told()], with_false_alarms(recordings(), first))
        hours = tried[0].false_per_hour
        assert (hours > 0) == bool(false)


def test_what_a_caller_says_while_the_bot_is_silent_is_no_interruption() -> None:
    chosen, _ = choose([Told()], recordings(echo=False))
    assert chosen.stop_p50_ms == np.inf
    assert chosen.missed_percent == chosen.false_per_hour == 0


def test_a_rule_for_a_bank_leaves_room_for_the_banks_own_bias() -> None:
    rule = StopRule(1.0, 0.0, 4.0, 2.0, 400.0, 300.0)
    assert in_a_bank(rule) == replace(rule, bias=1.0 - NORMAL_BIAS)
