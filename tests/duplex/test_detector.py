"""The sequential detector, on synthetic evidence; see cases.py."""

from dataclasses import replace

import pytest

from duplex.cases import (
    AS_LOUD_AS_THE_BOT,
    BOT_SILENT,
    CALLER,
    COUGH,
    ECHO,
    LOUDER,
    NO_ECHO_LINE,
    QUIET,
    UNLOCKED,
    Case,
    evidence,
)
from media_pod.duplex.contract import Decision, Reason
from media_pod.duplex.decision.detector import SequentialDetector


def detected(detector: SequentialDetector, case: Case, ticks: int) -> list[tuple[Decision, Reason]]:
    detections = [detector.step(evidence(case)) for _ in range(ticks)]
    return [(Decision(d.decision[0]), Reason(d.reason[0])) for d in detections]


def stops_after(case: Case, threshold_bias: float = 0.25) -> int | None:
    """Ticks until the decision CALLER; None if it does not come within 10 s."""
    seen = detected(SequentialDetector(1, threshold_bias), case, 500)
    return next((i + 1 for i, (it, _) in enumerate(seen) if it is Decision.CALLER), None)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (QUIET, Reason.QUIET),
        (COUGH, Reason.NOT_SPEECH),
        (ECHO, Reason.ECHO_EXPLAINED),
        (replace(ECHO, speech=1.0), Reason.ECHO_EXPLAINED),
        (UNLOCKED, Reason.HOLDING_NO_LOCK),
        (AS_LOUD_AS_THE_BOT, Reason.HOLDING_NO_LOCK),
        (replace(UNLOCKED, speech=1.0, level_db=45.0), Reason.HOLDING_NO_LOCK),
    ],
)
def test_what_never_stops_the_bot_and_why(case: Case, reason: Reason) -> None:
    assert detected(SequentialDetector(1, 0.25), case, 500) == [(Decision.NONE, reason)] * 500


@pytest.mark.parametrize(
    ("case", "reason", "most_ticks"),
    [
        (CALLER, Reason.SPEECH_OVER_ECHO, 4),
        (BOT_SILENT, Reason.SPEECH_NO_ECHO, 4),
        (NO_ECHO_LINE, Reason.NO_ECHO_ON_LINE, 5),
        (LOUDER, Reason.LOUDER_THAN_ECHO, 8),
        (replace(AS_LOUD_AS_THE_BOT, unexplained=True), Reason.NO_ECHO_FOUND, 8),
    ],
)
def test_what_stops_the_bot_how_fast_and_why(case: Case, reason: Reason, most_ticks: int) -> None:
    after = stops_after(case)
    assert after is not None
    assert 2 <= after <= most_ticks
    assert detected(SequentialDetector(1, 0.25), case, after)[-1] == (Decision.CALLER, reason)


def test_a_doubtful_caller_takes_longer_than_a_clear_one() -> None:
    clear, doubtful = stops_after(CALLER), stops_after(replace(CALLER, level_db=44.0))
    assert clear is not None
    assert doubtful is not None
    assert doubtful > clear


def test_a_higher_threshold_bias_takes_longer() -> None:
    case = replace(CALLER, speech=0.8)
    low_bias, high_bias = (
        stops_after(case, threshold_bias=0.0),
        stops_after(case, threshold_bias=1.0),
    )
    assert low_bias is not None
    assert high_bias is not None
    assert high_bias > low_bias


def test_evidence_comes_before_the_decision_and_is_reported_as_such() -> None:
    seen = detected(SequentialDetector(1, 0.25), replace(CALLER, level_db=44.0), 20)
    decisions = [decision for decision, _ in seen]
    assert decisions == sorted(decisions)
    assert set(decisions) == {Decision.NONE, Decision.ONSET, Decision.CALLER}
    waiting = {reason for decision, reason in seen if decision is not Decision.CALLER}
    assert waiting == {Reason.GATHERING}


def test_a_short_pause_does_not_end_the_caller_and_the_reason_stays() -> None:
    detector = SequentialDetector(1, 0.25)
    detected(detector, CALLER, 10)
    pause = detected(detector, QUIET, 10)
    assert pause == [(Decision.CALLER, Reason.SPEECH_OVER_ECHO)] * 10
    assert detected(detector, BOT_SILENT, 5)[-1] == (Decision.CALLER, Reason.SPEECH_OVER_ECHO)


def test_a_caller_who_has_ended_is_let_go_within_half_a_second() -> None:
    detector = SequentialDetector(1, 0.25)
    detected(detector, CALLER, 50)
    decisions = [decision for decision, _ in detected(detector, QUIET, 25)]
    assert decisions[13] is Decision.CALLER
    assert decisions[-1] is Decision.NONE


def test_a_caller_who_has_just_ended_is_let_go_as_the_bot_begins_and_can_interrupt_it() -> None:
    detector = SequentialDetector(1, 0.25)
    detected(detector, BOT_SILENT, 50)
    pause = detected(detector, replace(QUIET, bot_speaks=False), 8)
    assert pause[-1][0] is Decision.CALLER
    assert detected(detector, ECHO, 1)[0][0] is Decision.NONE
    assert detected(detector, CALLER, 5)[-1] == (Decision.CALLER, Reason.SPEECH_OVER_ECHO)


def test_one_tick_of_evidence_is_not_enough_however_clear() -> None:
    detector = SequentialDetector(1, 0.25)
    loud = replace(CALLER, level_db=90.0, speech=1.0)
    decisions = {detected(detector, case, 1)[0][0] for case in [loud, QUIET, QUIET] * 20}
    assert Decision.CALLER not in decisions


def test_a_reset_slot_has_no_memory() -> None:
    detector = SequentialDetector(1, 0.25)
    detected(detector, CALLER, 10)
    detector.reset(0)
    assert detected(detector, QUIET, 1) == [(Decision.NONE, Reason.QUIET)]
    fresh = detected(SequentialDetector(1, 0.25), CALLER, 5)
    detector.reset(0)
    assert detected(detector, CALLER, 5) == fresh
