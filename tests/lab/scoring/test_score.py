from dataclasses import replace

import numpy as np
import pytest

from interject_lab.call_record import BankTrace, CallRecord, Spoken
from interject_lab.scoring.score import score
from lab.conftest import Talk

TICK_NS = 20_000_000
WAIT = Spoken("wait", onset_sample=16_000, end_sample=24_000, interrupts=True)


def make_record(talk: Talk, bot_s: float, *spoken: Spoken) -> CallRecord:
    """Ten seconds in which the bot speaks from 0 to `bot_s`."""
    bot = np.concatenate([talk(bot_s), np.zeros(80_000 - round(bot_s * 8000), np.int16)])
    times_ns = np.arange(500, dtype=np.int64) * TICK_NS
    return CallRecord(
        rate_hz=8000,
        caller=np.zeros(80_000, np.int16),
        bot=bot,
        caller_sent_ns=times_ns,
        bot_arrived_ns=times_ns,
        bot_played_sample=np.arange(500, dtype=np.int64) * 160,
        line_delay_ms=np.full(500, 250, np.float32),
        spoken=spoken,
        ended="",
    )


def make_trace(record: CallRecord, **changes: object) -> BankTrace:
    ticks = record.caller_sent_ns.size
    rows = np.zeros(ticks, np.float32)
    fields: dict[str, object] = {
        "caller": record.caller,
        "played": record.bot,
        "cleaned": record.caller,
        "speech": rows,
        "decision": rows.astype(np.int8),
        "reason": rows.astype(np.int8),
        "delay_ms": rows + 250,
        "delay_confidence": rows + 1,
        "erle_db": rows,
        "true_delay_ms": rows + 250,
    }
    return BankTrace(**(fields | changes))  # type: ignore[arg-type]


def test_a_stop_for_the_caller_is_heard_and_timed_from_onset_to_silence(talk: Talk) -> None:
    figures = score("x", make_record(talk, 2.2, WAIT), [17_600])
    assert (figures.interruptions, figures.heard, figures.missed) == (1, 1, 0)
    assert figures.false_barge_ins == 0
    assert figures.onset_to_silence_p50_ms == figures.onset_to_silence_max_ms == 200


def test_sound_after_the_claimed_stop_counts_as_not_yet_silent(talk: Talk) -> None:
    figures = score("x", make_record(talk, 2.3, WAIT), [17_600])
    assert figures.onset_to_silence_p50_ms == 300


def test_the_time_is_that_of_the_wire_not_of_the_samples(talk: Talk) -> None:
    record = make_record(talk, 2.2, WAIT)
    late = replace(record, bot_arrived_ns=record.bot_arrived_ns + 45_000_000)
    assert score("x", late, [17_600]).onset_to_silence_p50_ms == 245


def test_a_stop_without_the_caller_is_false(talk: Talk) -> None:
    figures = score("x", make_record(talk, 1.0, WAIT), [8000])
    assert (figures.stops, figures.false_barge_ins, figures.heard) == (1, 1, 0)
    assert figures.onset_to_silence_p50_ms is None


@pytest.mark.parametrize(("stop_s", "false"), [(3.2, 0), (3.4, 1)])
def test_the_caller_may_just_have_fallen_silent(stop_s: float, false: int, talk: Talk) -> None:
    figures = score("x", make_record(talk, stop_s, WAIT), [round(stop_s * 8000)])
    assert figures.false_barge_ins == false


def test_a_stop_too_late_is_a_miss(talk: Talk) -> None:
    long = replace(WAIT, end_sample=40_000)
    figures = score("x", make_record(talk, 3.6, long), [28_800])
    assert (figures.heard, figures.missed, figures.false_barge_ins) == (0, 1, 0)


@pytest.mark.parametrize(("end_s", "missed"), [(2.2, 0), (2.6, 1)])
def test_a_bot_that_ends_by_itself_has_heard_nobody(end_s: float, missed: int, talk: Talk) -> None:
    figures = score("x", make_record(talk, end_s, WAIT), [])
    # A bot that has only one word left to say cannot be interrupted.
    assert (figures.interruptions, figures.heard, figures.missed) == (missed, 0, missed)


def test_talk_while_the_bot_is_silent_is_no_interruption(talk: Talk) -> None:
    figures = score("x", make_record(talk, 1.0, replace(WAIT, interrupts=False)), [])
    assert (figures.interruptions, figures.missed) == (0, 0)


def test_delay_errors_count_only_while_locked(talk: Talk) -> None:
    record = make_record(talk, 5.0)
    confidence = np.full(500, 0.9, np.float32)
    confidence[:250] = 0.1
    delay_ms = np.full(500, 253, np.float32)
    delay_ms[:250] = 900
    trace = make_trace(record, delay_ms=delay_ms, delay_confidence=confidence)
    figures = score("x", record, [], trace)
    assert figures.delay_error_p50_ms == figures.delay_error_p95_ms == 3
    assert figures.locked_percent == 50


def test_a_delay_that_steps_in_silence_is_no_error_before_there_is_an_echo(talk: Talk) -> None:
    record = make_record(talk, 5.0)
    true_ms = np.full(500, 250, np.float32)
    true_ms[300:] = 310
    figures = score("x", record, [], make_trace(record, true_delay_ms=true_ms))
    assert figures.delay_error_p95_ms == 0


def test_erle_is_measured_on_echo_alone(talk: Talk) -> None:
    echo = talk(10.0, level_dbfs=-35)
    near = echo.copy()
    near[16_000:24_000] = talk(1.0, level_dbfs=-10)
    record = replace(make_record(talk, 10.0, WAIT), caller=near)
    cleaned = np.where(near == echo, near // 10, near).astype(np.int16)
    figures = score("x", record, [], make_trace(record, cleaned=cleaned))
    assert figures.erle_db == pytest.approx(20, abs=0.5)


def test_what_cannot_be_measured_is_none_and_keys_are_stable(talk: Talk) -> None:
    silent = make_record(talk, 0.02)
    figures = score("half-duplex", replace(silent, bot=np.zeros(80_000, np.int16)), [])
    assert figures.as_dict() == {
        "name": "half-duplex",
        "duration_s": 10.0,
        "bot_speech_s": 0.0,
        "stops": 0,
        "false_barge_ins": 0,
        "interruptions": 0,
        "heard": 0,
        "missed": 0,
        "ducks": None,
        "onset_to_silence_p50_ms": None,
        "onset_to_silence_max_ms": None,
        "delay_error_p50_ms": None,
        "delay_error_p95_ms": None,
        "locked_percent": None,
        "erle_db": None,
    }
