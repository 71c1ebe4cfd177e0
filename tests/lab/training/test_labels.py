"""Labels of calls that are made by hand: when something sounds, what it is, and what it weighs."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.call_record import NOTHING, BankTrace, CallRecord, Sound, SoundKind, Spoken
from interject_lab.network.levels import speech_bounds
from interject_lab.telephones.caller import Cue, PlannedUtterance
from interject_lab.training.labels import Labels, activity, label, output_weights
from interject_lab.virtual import VirtualResult
from media_pod.duplex.contract import Pcm

RATE_HZ, TICK, TICKS = 8000, 160, 200
BOT = slice(10, 50)
"""Ticks in which the bot speaks; its echo is over 54 ticks after the last."""
START = 30
"""The tick in which the caller's sound begins."""
BUZZ = (4000 * np.sign(np.sin(np.arange(TICK) / 3))).astype(np.int16)


def buzz(ticks: int) -> Pcm:
    return np.tile(BUZZ, ticks)


def labelled(
    kind: SoundKind,
    pcm: Pcm,
    *,
    near_delay_samples: int = 0,
    near_tick: Sequence[int] | None = None,
) -> Labels:
    """The labels of a call whose caller plays `pcm` from tick `START` on."""
    played = np.zeros((TICKS, TICK), np.int16)
    played[BOT] = BUZZ
    first, end = speech_bounds(pcm, RATE_HZ)
    spoken = Spoken("", START * TICK + first, START * TICK + end, True, 0)
    none, ticks_i8 = np.zeros(TICKS, np.float32), np.zeros(TICKS, np.int8)
    times = np.arange(TICKS, dtype=np.int64)
    trace = BankTrace(
        caller=played.reshape(-1),
        played=played.reshape(-1),
        cleaned=played.reshape(-1),
        speech=none,
        decision=ticks_i8,
        reason=ticks_i8,
        delay_ms=none,
        delay_confidence=none,
        erle_db=none,
        true_delay_ms=none,
        near_tick=None if near_tick is None else np.array(near_tick, np.int64),
    )
    record = CallRecord(
        RATE_HZ, trace.caller, trace.played, times, times, times * TICK, none, (spoken,), ""
    )
    result = VirtualResult(record, trace, (), np.zeros(TICKS * TICK, np.int16))
    plan = [PlannedUtterance("", pcm, Cue.AT, 0.0)]
    return label(result, plan, [Sound(kind, "", -20.0)], near_delay_samples)


def on(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[int]:
    """First tick, and the one after the last, of what is on."""
    found = np.flatnonzero(values)
    assert np.array_equal(found, np.arange(found[0], found[-1] + 1))
    return [int(found[0]), int(found[-1]) + 1]


@pytest.mark.parametrize(
    ("kind", "speech", "turn"),
    [
        ("interruption", True, True),
        ("answer", True, True),
        ("backchannel", True, False),
        ("second_speaker", True, False),
        ("noise", False, False),
        ("dtmf", False, False),
    ],
)
def test_a_sound_is_what_its_kind_says(kind: SoundKind, speech: bool, turn: bool) -> None:
    labels = labelled(kind, buzz(20))
    assert on(labels.near) == [START, START + 20]
    assert np.array_equal(labels.speech, labels.near * speech)
    assert np.array_equal(labels.turn, labels.near * turn)


def test_a_late_sound_is_labelled_where_it_arrives() -> None:
    assert on(labelled("noise", buzz(20), near_delay_samples=2 * TICK).near) == [32, 52]


def test_a_lost_frame_carries_nothing_and_moves_what_follows() -> None:
    carried = [*range(35), NOTHING, *range(35, TICKS - 1)]
    near = labelled("noise", buzz(20), near_tick=carried).near
    assert near[35] == 0
    assert np.flatnonzero(near).tolist() == [*range(30, 35), *range(36, 51)]


def test_a_hole_of_50_ms_is_active_and_a_longer_one_is_not() -> None:
    for hole, filled in ((400, True), (800, False)):
        pcm = buzz(10)
        pcm[800 - hole : 800] = 0
        assert activity(pcm, RATE_HZ).all() == filled
    assert not activity(np.concatenate([buzz(5), buzz(5) // 100]), RATE_HZ)[-1]


def test_the_echo_lasts_1100_ms_from_the_tick_on_that_is_heard() -> None:
    assert on(labelled("noise", buzz(20)).echo) == [BOT.start, BOT.stop + 54]


def test_ticks_weigh_by_what_can_be_decided_in_them() -> None:
    weight = labelled("interruption", buzz(20)).weight
    expected = {
        0: 0.4,  # the bot is silent
        BOT.start: 2.0,  # its echo alone
        START: 0.3,  # nobody could tell
        START + 2: 2.0,  # the decision falls
        START + 12: 1.0,
        START + 20: 0.4,  # just over: 2.0 times 0.2
        START + 23: 2.0,
        150: 0.4,
    }
    assert {tick: round(float(weight[tick]), 3) for tick in expected} == expected


def of_turn(kind: SoundKind, ticks: int) -> NDArray[np.float32]:
    """What the turn counts in each tick of a sound of `kind`, over what the tick counts."""
    labels = labelled(kind, buzz(ticks)).stacked()
    weights = output_weights(labels[None])[0]
    sounding = np.flatnonzero(labels[:, 0])
    ratio: NDArray[np.float32] = weights[sounding, 2] / weights[sounding, 0]
    return ratio


def test_whether_a_voice_takes_the_turn_counts_until_its_duration_tells() -> None:
    turn, backchannel = of_turn("interruption", 60), of_turn("backchannel", 20)
    assert np.ptp(turn[:30]) == 0
    assert np.all(turn[30:] < turn[0] / 2)
    assert np.all(backchannel > turn[0])
    assert not of_turn("noise", 60).any()


def test_the_first_utterance_counts_more_and_speech_only_where_there_is_sound() -> None:
    labels = np.zeros((1, 400, 5), np.float32)
    labels[:, :, 3] = 1
    near, speech, turn = np.moveaxis(output_weights(labels)[0], 1, 0)
    assert near[0] > near[-1] == 1
    assert not speech.any()
    assert not turn.any()
