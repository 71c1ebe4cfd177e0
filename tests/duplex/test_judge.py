"""The learned judge's decisions, with a network that hears what it is told.

A network gives Silero's probability and a ratio of the delay tracker as its logits; the evidence is
that of cases.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from duplex.cases import (
    AS_LOUD_AS_THE_BOT,
    BOT_SILENT,
    CALLER,
    ECHO,
    LOUDER,
    NO_ECHO_LINE,
    UNLOCKED,
    Case,
    heard,
)
from duplex.judging import RULE, patient, told
from media_pod.duplex.contract import Decision, Reason
from media_pod.duplex.decision.detector import Detection
from media_pod.duplex.decision.judge.features import GROUPS
from media_pod.duplex.decision.judge.judge import LearnedDetector
from media_pod.duplex.decision.judge.weights import JudgeWeights

TURN, BACKCHANNEL = 80.0, 0.8
"""Ratios, ten times 8 and a tenth of it, whose logarithm the network takes for its turn logit."""
BOT_QUIET = replace(BOT_SILENT, speech=0.01)
BOT_SPEAKS = replace(ECHO, speech=0.01)


def judge(threshold_bias: float = 0.0, *, keep_backchannels: bool = True) -> LearnedDetector:
    weights = JudgeWeights((told(),), RULE, "")
    return LearnedDetector(1, threshold_bias, weights, keep_backchannels=keep_backchannels)


def steps(detector: LearnedDetector, case: Case, ticks: int, turn: float = TURN) -> list[Detection]:
    return [detector.step(heard(case, turn)) for _ in range(ticks)]


def decisions(detections: list[Detection]) -> list[int]:
    return [int(detection.decision[0]) for detection in detections]


def stops_after(
    detector: LearnedDetector, case: Case, turn: float = TURN, most: int = 30
) -> int | None:
    seen = decisions(steps(detector, case, most, turn))
    return seen.index(Decision.CALLER) + 1 if Decision.CALLER in seen else None


def test_a_caller_stops_the_bot_in_two_to_four_ticks_after_an_onset() -> None:
    detector = judge()
    seen = decisions(steps(detector, CALLER, 5))
    assert seen == sorted(seen)
    assert Decision.ONSET in seen
    assert 2 <= seen.index(Decision.CALLER) + 1 <= 4


def test_silence_gives_silence() -> None:
    detections = steps(judge(), BOT_QUIET, 100)
    assert set(decisions(detections)) == {Decision.NONE}
    assert not any(detection.why for detection in detections)


def test_a_backchannel_stops_the_bot_only_if_it_lasts() -> None:
    assert stops_after(judge(), CALLER, BACKCHANNEL) == RULE.voice_ms / 20
    at_once = stops_after(judge(keep_backchannels=False), CALLER, BACKCHANNEL)
    assert at_once == stops_after(judge(), CALLER)


def test_a_short_backchannel_never_stops_it() -> None:
    detector = judge()
    seen = [
        decision
        for _ in range(2)
        for case, ticks in ((CALLER, 15), (BOT_SPEAKS, 20))
        for decision in decisions(steps(detector, case, ticks, BACKCHANNEL))
    ]
    assert Decision.CALLER not in seen
    assert Decision.ONSET in seen


def test_a_backchannel_while_the_bot_is_silent_is_a_caller() -> None:
    after = stops_after(judge(), BOT_SILENT, BACKCHANNEL)
    assert after is not None
    assert after <= 4


def test_a_user_who_wants_fewer_stops_gets_them_later() -> None:
    doubtful = replace(CALLER, speech=0.75)
    low, high = (stops_after(judge(bias), doubtful) for bias in (0.0, 0.5))
    assert low is not None
    assert high is not None
    assert high > low


def test_a_pause_inside_a_phrase_does_not_end_the_caller_and_a_longer_one_does() -> None:
    detector = judge()
    steps(detector, CALLER, 20)
    assert set(decisions(steps(detector, BOT_SPEAKS, 14))) == {Decision.CALLER}
    assert decisions(steps(detector, BOT_SPEAKS, 10))[-1] == Decision.NONE


def test_a_decision_that_only_the_hangover_holds_ends_as_the_bot_begins() -> None:
    detector = judge()
    steps(detector, BOT_SILENT, 20)
    assert set(decisions(steps(detector, BOT_QUIET, 8))) == {Decision.CALLER}
    assert decisions(steps(detector, BOT_SPEAKS, 1)) == [Decision.NONE]
    assert stops_after(detector, CALLER) is not None


def test_a_caller_whose_evidence_ends_as_the_bot_begins_is_let_go_within_100_ms() -> None:
    detector = judge()
    steps(detector, BOT_SILENT, 20)
    seen = decisions(steps(detector, replace(BOT_SPEAKS, speech=0.55), 6))
    assert seen[0] == Decision.CALLER
    assert seen[5] != Decision.CALLER


def test_a_caller_who_speaks_on_as_the_bot_begins_stays_one() -> None:
    detector = judge()
    steps(detector, BOT_SILENT, 40)
    assert set(decisions(steps(detector, CALLER, 40))) == {Decision.CALLER}


def test_a_false_stop_makes_the_rest_of_the_call_more_careful() -> None:
    detector, doubtful = judge(), replace(CALLER, speech=0.72)
    fresh = stops_after(detector, doubtful)
    detector.reset(0)
    steps(detector, CALLER, 20)
    steps(detector, BOT_QUIET, 20)
    after = stops_after(detector, doubtful)
    assert fresh is not None
    assert after is None or after > fresh
    detector.reset(0)
    assert stops_after(detector, doubtful) == fresh


def test_a_telephone_that_sends_nothing_for_seconds_holds_the_networks() -> None:
    def live_ticks_until_a_stop(flat_ticks: int) -> int:
        detector = LearnedDetector(1, 0.0, JudgeWeights((patient(),), RULE, ""))
        for _ in range(flat_ticks):
            assert (
                detector.step(heard(BOT_SPEAKS, digital_silence=True)).decision[0]
                != Decision.CALLER
            )
        seen = decisions(steps(detector, BOT_SPEAKS, 60))
        return seen.index(Decision.CALLER)

    at_once = live_ticks_until_a_stop(0)
    assert live_ticks_until_a_stop(5) == at_once - 5  # as a few lost frames are
    assert live_ticks_until_a_stop(200) == at_once - 10


def test_a_rise_says_which_groups_of_features_carried_it() -> None:
    detector = judge()
    steps(detector, BOT_SPEAKS, 50)
    rises = [detection.why for detection in steps(detector, CALLER, 30) if detection.why]
    assert len(rises) == 1
    groups = rises[0][0]
    assert 1 <= len(groups) <= 3
    assert groups[0][0] == "speech detector"
    assert {name for name, _ in groups} <= set(GROUPS)
    parts = [part for _, part in groups]
    assert parts == sorted(parts, reverse=True)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (CALLER, Reason.SPEECH_OVER_ECHO),
        (BOT_SILENT, Reason.SPEECH_NO_ECHO),
        (NO_ECHO_LINE, Reason.NO_ECHO_ON_LINE),
        (replace(AS_LOUD_AS_THE_BOT, unexplained=True), Reason.NO_ECHO_FOUND),
        (LOUDER, Reason.SPEECH_NO_LOCK),
        (UNLOCKED, Reason.SPEECH_NO_LOCK),
    ],
)
def test_the_reason_claims_no_more_than_the_evidence(case: Case, reason: Reason) -> None:
    assert steps(judge(), case, 10)[-1].reason[0] == reason


def test_a_slots_past_never_leaks_into_its_next_call() -> None:
    used, fresh = judge(), judge()
    steps(used, CALLER, 30, BACKCHANNEL)
    steps(used, BOT_QUIET, 30)
    used.reset(0)
    for case in (BOT_SPEAKS, CALLER, BOT_QUIET, BOT_SILENT):
        for one, other in zip(steps(used, case, 10), steps(fresh, case, 10), strict=True):
            assert np.array_equal(one.decision, other.decision)
            assert one.why == other.why
