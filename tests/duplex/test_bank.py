"""The bank as a whole, on lines with real speech, an echo and callers.

Lines that need no bank of their own share one, `calls`: a step of many slots costs little more than
a step of one.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from duplex.conftest import Speak
from duplex.judging import random_judge
from duplex.lines import ERL_DB, Line, bot_of, echo_line, run, with_caller
from duplex.signals import (
    echo_of,
    line_noise,
    ticks,
)
from media_pod.duplex.bank import Bank
from media_pod.duplex.canceller.kalman import KalmanCanceller
from media_pod.duplex.canceller.protocol import Canceller
from media_pod.duplex.canceller.webrtc import WebRtcCanceller
from media_pod.duplex.contract import Decision, Pcm, Reason, Step
from media_pod.duplex.decision.default import DetectorFactory, rule_detector

ARRAYS = [field.name for field in fields(Step) if field.name != "why"]
"""Fields of a step with a row per slot."""


def first_sound_s(speech: Pcm) -> float:
    """When speech becomes louder than 18 dB below its own level."""
    level = np.sqrt(np.mean(speech.astype(np.float64) ** 2)) * 10 ** (-18 / 20)
    blocks = speech[: speech.size // 80 * 80].reshape(-1, 80).astype(np.float64)
    return float(np.argmax(np.sqrt(np.mean(blocks**2, axis=1)) > level)) / 100


def opened(slots: int, only: Iterable[int] | None = None) -> Bank:
    bank = Bank(slots, keep_backchannels=False)
    for slot in range(slots) if only is None else only:
        bank.open(slot)
    return bank


def run_together(lines: dict[str, Line]) -> dict[str, list[Step]]:
    """Steps of each line, as of a bank with one slot; the lines may differ in length."""
    bank = opened(len(lines))
    caller = [ticks([line.caller]) for line in lines.values()]
    played = [ticks([line.played]) for line in lines.values()]
    seen: dict[str, list[Step]] = {name: [] for name in lines}
    for tick in range(max(map(len, caller))):
        both = np.zeros((2, len(lines), 160), np.int16)
        for slot, (one, other) in enumerate(zip(caller, played, strict=True)):
            if tick < len(one):
                both[:, slot] = one[tick, 0], other[tick, 0]
            elif tick == len(one):
                bank.close(slot)
        step = bank.step(both[0], both[1])
        for slot, name in enumerate(lines):
            if tick < len(caller[slot]):
                rows = {array: getattr(step, array)[slot : slot + 1] for array in ARRAYS}
                seen[name].append(Step(**rows))
    return seen


ECHOES = [(1, 250), (2, 250), (3, 60), (4, 640)]
"""Seeds and delays, ms, of lines with an echo."""


@pytest.fixture(scope="module")
def calls(bot_speech: Speak, caller_speech: Speak) -> dict[str, list[Step]]:
    """Steps of calls by name, all in one bank."""
    bot, caller = bot_speech(8000), caller_speech(8000)
    lines = {f"echo {seed}": echo_line(bot, 12.0, seed, ms * 8) for seed, ms in ECHOES}
    for seed in (1, 2, 3):
        line = lines[f"silent phone {seed}"] = echo_line(bot, 30.0, seed)
        line.caller[5 * 8000 : 25 * 8000] = 0  # no RTP: what gather fills
    played = bot_of(bot, 9.0)
    lines["no echo"] = with_caller(Line(np.zeros(played.size), played), caller, 6.0)
    for seed in (1, 2):
        lines[f"barge-in {seed}"] = with_caller(echo_line(bot, 9.0, seed), caller, 6.0)
    early = bot_of(bot, 4.0, start_s=0.0)
    noise = line_noise(np.random.default_rng(7), early.size)
    lines["early caller"] = with_caller(Line(noise, early), caller, 0.1)
    silence = Line(line_noise(np.random.default_rng(5), 4 * 8000), np.zeros(4 * 8000))
    lines["silent bot"] = with_caller(silence, caller, 1.0)
    return run_together(lines)


def decisions(steps: list[Step], slot: int = 0) -> NDArray[np.int8]:
    return np.array([step.decision[slot] for step in steps])


@pytest.mark.parametrize(("seed", "delay_ms"), ECHOES)
def test_the_bots_own_echo_never_stops_it(
    calls: dict[str, list[Step]], seed: int, delay_ms: int
) -> None:
    steps = calls[f"echo {seed}"]
    assert Decision.CALLER not in decisions(steps)
    assert steps[-1].delay_confidence[0] >= 0.5
    assert steps[-1].delay_ms[0] == pytest.approx(delay_ms, abs=5)
    assert steps[-1].erle_db[0] > 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_echo_that_returns_after_a_long_silence_of_the_phone_is_still_an_echo(
    calls: dict[str, list[Step]], seed: int
) -> None:
    steps = calls[f"silent phone {seed}"]
    assert Decision.CALLER not in decisions(steps)
    assert steps[-1].delay_confidence[0] >= 0.5
    assert steps[-1].erle_db[0] > 10


def test_a_line_that_is_digitally_silent_from_the_start_is_one_without_echo(
    calls: dict[str, list[Step]], caller_speech: Speak
) -> None:
    steps = calls["no echo"]
    heard = decisions(steps) == Decision.CALLER
    begins = 6.0 + first_sound_s(caller_speech(8000))
    assert begins < np.argmax(heard) / 50 <= begins + 0.4
    assert steps[int(np.argmax(heard))].reason[0] == Reason.NO_ECHO_ON_LINE


@pytest.mark.parametrize("seed", [1, 2])
def test_a_caller_over_the_echo_stops_it_within_400_ms(
    calls: dict[str, list[Step]], caller_speech: Speak, seed: int
) -> None:
    steps = calls[f"barge-in {seed}"]
    heard = decisions(steps) == Decision.CALLER
    begins = 6.0 + first_sound_s(caller_speech(8000))
    assert begins < np.argmax(heard) / 50 <= begins + 0.4
    assert steps[int(np.argmax(heard))].reason[0] == Reason.SPEECH_OVER_ECHO


def test_a_caller_while_the_bot_is_silent_is_speech_without_echo(
    calls: dict[str, list[Step]], caller_speech: Speak
) -> None:
    steps = calls["silent bot"]
    heard = decisions(steps) == Decision.CALLER
    assert 1.0 < np.argmax(heard) / 50 <= 1.4 + first_sound_s(caller_speech(8000))
    assert steps[int(np.argmax(heard))].reason[0] == Reason.SPEECH_NO_ECHO
    assert all(np.isnan(step.delay_ms[0]) and np.isnan(step.erle_db[0]) for step in steps)


def test_a_caller_who_speaks_as_the_bot_begins_is_heard_where_no_echo_can_explain_it(
    calls: dict[str, list[Step]], caller_speech: Speak
) -> None:
    steps = calls["early caller"]
    heard = decisions(steps) == Decision.CALLER
    begins = 0.1 + first_sound_s(caller_speech(8000))
    assert begins < np.argmax(heard) / 50 <= begins + 1.0
    # By whichever of the two comes first: the search has found no echo, or the networks are sure.
    assert steps[int(np.argmax(heard))].reason[0] in (Reason.NO_ECHO_FOUND, Reason.SPEECH_NO_LOCK)


def assert_same(one: Step, slot: int, other: Step, other_slot: int) -> None:
    for name in ARRAYS:
        mine, theirs = getattr(one, name)[slot], getattr(other, name)[other_slot]
        assert np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f"), name
    assert one.why.get(slot) == other.why.get(other_slot)


BEGINS = {9: 0, 3: 7, 11: 112}
"""Ticks at which the same call begins in these slots, in place of the call that is there: of none,
of a short one and of one that has locked on its echo."""


@pytest.mark.parametrize(
    ("phase", "judge", "seconds", "canceller"),
    [
        (0, rule_detector, 5.0, WebRtcCanceller),
        (13, rule_detector, 5.0, WebRtcCanceller),
        (13, random_judge, 2.5, WebRtcCanceller),
        (13, rule_detector, 2.5, KalmanCanceller),
    ],
)
def test_a_call_gives_bit_by_bit_in_any_slot_at_any_time_what_it_gives_alone(
    bot_speech: Speak,
    caller_speech: Speak,
    phase: int,
    judge: DetectorFactory,
    seconds: float,
    canceller: Callable[[int, int], Canceller],
) -> None:
    bot, caller = bot_speech(8000), caller_speech(8000)
    call = with_caller(echo_line(bot, seconds, 6, 2400), caller, seconds / 2)
    whole_s = seconds + max(BEGINS.values()) / 50
    others = [echo_line(bot, whole_s, seed, 400 * seed) for seed in range(1, 12)]
    caller_in, played_in = ticks([call.caller]), ticks([call.played])
    alone = Bank(1, canceller=canceller, detector=judge)
    alone.open(0, phase)
    expected = [alone.step(one, other) for one, other in zip(caller_in, played_in, strict=True)]

    heard = ticks([line.caller for line in others] + [others[0].caller])
    sent = ticks([line.played for line in others] + [others[0].played])
    for slot, begin in BEGINS.items():
        heard[begin : begin + len(expected), slot] = caller_in[:, 0]
        sent[begin : begin + len(expected), slot] = played_in[:, 0]
    bank = Bank(12, canceller=canceller, detector=judge)
    for slot in range(1, 12):
        bank.open(slot)
    for tick, (one, other) in enumerate(zip(heard, sent, strict=True)):
        for slot in (slot for slot, begin in BEGINS.items() if begin == tick):
            bank.close(slot)
            bank.open(slot, phase)
        step = bank.step(one, other)
        for slot, begin in BEGINS.items():
            if begin <= tick < begin + len(expected):
                assert_same(step, slot, expected[tick - begin], 0)
    assert Decision.CALLER in decisions(expected)


def test_the_same_input_gives_the_same_output_in_a_new_bank_and_in_a_reopened_slot(
    bot_speech: Speak, caller_speech: Speak
) -> None:
    line = with_caller(echo_line(bot_speech(8000), 4.0), caller_speech(8000), 2.0)
    bank = opened(1)
    first = run(bank, [line])
    for one, other in zip(first, run(opened(1), [line]), strict=True):
        assert_same(one, 0, other, 0)
    bank.close(0)
    bank.open(0)
    for one, other in zip(first, run(bank, [line]), strict=True):
        assert_same(one, 0, other, 0)


def test_16_khz_works_as_well(bot_speech: Speak, caller_speech: Speak) -> None:
    bot, caller = bot_speech(16000).astype(np.float64), caller_speech(16000)
    played = np.concatenate([np.zeros(4800), bot])[: 9 * 16000]
    echo = echo_of(played, np.array([1.0]), ERL_DB, 250 * 16)
    heard = echo + line_noise(np.random.default_rng(6), played.size)
    talk = heard.copy()
    start = 6 * 16000
    talk[start : start + caller.size] += caller[: talk.size - start]
    bank = Bank(2, 16000, keep_backchannels=False)
    for slot in (0, 1):
        bank.open(slot)
    blocks = zip(ticks([heard, talk], 320), ticks([played, played], 320), strict=True)
    steps = [bank.step(one, other) for one, other in blocks]
    assert steps[-1].cleaned.shape == (2, 320)
    assert steps[-1].delay_ms[0] == pytest.approx(250, abs=5)
    assert Decision.CALLER not in decisions(steps, 0)
    stopped = int(np.argmax(decisions(steps, 1) == Decision.CALLER))
    assert 6.0 < stopped / 50 <= 6.4 + first_sound_s(caller)


def test_a_slip_that_gather_made_moves_the_delay_in_the_same_tick(bot_speech: Speak) -> None:
    line = echo_line(bot_speech(8000), 4.04)  # no update of the tracker is due in the next tick
    bank = opened(2)
    steps = run(bank, [line, line])
    block = np.zeros((2, 160), np.int16)
    after = bank.step(block, block, np.array([160, 0], np.int32))
    moved = after.delay_ms - steps[-1].delay_ms
    assert moved.tolist() == [20.0, 0.0]


def test_closed_slots_are_zero(bot_speech: Speak) -> None:
    line = echo_line(bot_speech(8000), 2.0)
    bank = opened(3, [0, 2])
    steps = run(bank, [line] * 3)
    bank.close(2)
    steps += run(bank, [line] * 3)
    for step in steps:
        assert not any(getattr(step, name)[1].any() for name in ARRAYS)
    for name in ARRAYS:
        assert not getattr(steps[-1], name)[2].any(), name
    assert steps[50].cleaned[2].any()


def test_a_step_is_the_callers_to_keep(bot_speech: Speak) -> None:
    line = echo_line(bot_speech(8000), 1.0)
    bank = opened(1)
    first = run(bank, [line])[-1]
    kept = {name: getattr(first, name).copy() for name in ARRAYS}
    run(bank, [line])
    for name, value in kept.items():
        assert np.array_equal(getattr(first, name), value, equal_nan=value.dtype.kind == "f")


@pytest.mark.parametrize(
    ("caller", "played", "text"),
    [
        ((2, 320), (2, 160), r"caller is int16\[2, 320\]; a step takes int16\[2, 160\]"),
        ((2, 160), (1, 160), r"played is int16\[1, 160\]; a step takes int16\[2, 160\]"),
        ((160,), (2, 160), r"caller is int16\[160\]; a step takes"),
    ],
)
def test_other_shapes_are_refused(caller: Any, played: Any, text: str) -> None:
    bank = opened(2)
    with pytest.raises(ValueError, match=text):
        bank.step(np.zeros(caller, np.int16), np.zeros(played, np.int16))


@pytest.mark.parametrize(
    "slipped", [np.zeros(2), np.zeros(3, np.int32), np.zeros((1, 2), np.int32)]
)
def test_other_slips_are_refused(slipped: Any) -> None:
    frames = np.zeros((2, 160), np.int16)
    with pytest.raises(ValueError, match=r"slipped is .*\]; a step takes int32\[2\]"):
        opened(2).step(frames, frames, slipped)


@pytest.mark.parametrize("slot", [-1, 2])
def test_a_slot_that_the_bank_has_not_is_refused(slot: int) -> None:
    with pytest.raises(IndexError, match=f"slot {slot} of a bank of 2"):
        Bank(2).open(slot)


def test_other_types_are_refused() -> None:
    silence: Any = np.zeros((1, 160), np.float32)
    with pytest.raises(ValueError, match=r"played is float32\[1, 160\]; a step takes int16"):
        opened(1).step(np.zeros((1, 160), np.int16), silence)


def test_a_bank_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="rate is 44100 Hz"):
        Bank(1, 44100)
    with pytest.raises(ValueError, match="slots is 0"):
        Bank(0)


def test_a_slot_is_opened_once() -> None:
    bank = opened(1)
    with pytest.raises(ValueError, match="slot 0 is open already"):
        bank.open(0)
    bank.close(0)
    bank.close(0)
    bank.open(0)
