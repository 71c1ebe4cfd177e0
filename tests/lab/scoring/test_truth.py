from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.call_record import CallRecord
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import EchoPath
from interject_lab.scoring.truth import NOWHERE, locate, true_delay_ms
from interject_lab.telephones.caller import Caller
from interject_lab.telephones.handset import Handset

Pcm = NDArray[np.int16]


def run_call(uplink_ticks: int, lost_tick: int) -> tuple[CallRecord, Pcm, Pcm]:
    """A pod and a telephone; the caller's frames take `uplink_ticks`, one never comes.

    Returns the telephone's record and what the pod took and played.
    """
    rng = np.random.default_rng(5)
    bot = rng.normal(0, 3000, 160 * 200).astype(np.int16)
    line = TelephoneLine(
        8000,
        EchoPath("hybrid", 8000, np.array([0.0, 1.0])),
        erl_db=3.0,
        delays=[DelayStep(0, 100), DelayStep(2, 130)],
        bot_speech=bot,
        law="mu",
        noise_dbfs=-50.0,
        rng=rng,
    )
    handset = Handset(line, Caller([], 8000), max_s=4.0)
    frames = bot.reshape(-1, 160)
    wire = deque([np.zeros(160, np.int16)] * uplink_ticks)
    taken = []
    for index, frame in enumerate(frames):
        handset.receive(frame, at_ns=index)
        caller = handset.tick()
        if index != lost_tick:
            wire.append(caller)
        # A pod that finds nothing fills the hole: from there on all comes one tick later.
        taken.append(wire.popleft() if wire else np.zeros(160, np.int16))
    return handset.record(list(range(200)), ""), np.concatenate(taken), bot


def measured_delay(caller: Pcm, played: Pcm, tick: int) -> float:
    block = caller[tick * 160 : tick * 160 + 160].astype(float)
    lags = range(0, 3000)
    past = [played[tick * 160 - lag : tick * 160 - lag + 160].astype(float) for lag in lags]
    return float(np.argmax([np.dot(block, x) for x in past])) / 8


def test_the_truth_is_where_the_echo_really_is() -> None:
    record, caller, played = run_call(uplink_ticks=3, lost_tick=60)
    truth = true_delay_ms(record, caller, played)
    for tick in (30, 50, 80, 95, 125, 180):
        assert truth[tick] == measured_delay(caller, played, tick)
    assert truth[50] == pytest.approx(100 + 0.125 + 20 + 60)
    assert truth[180] == pytest.approx(130 + 0.125 + 20 + 40)


def test_it_is_unknown_where_the_pod_filled_a_hole() -> None:
    record, caller, played = run_call(uplink_ticks=0, lost_tick=60)
    truth = true_delay_ms(record, caller, played)
    assert np.isnan(truth[60])
    assert np.isfinite(truth[61:]).all()


def test_frames_are_found_wherever_they_are() -> None:
    stream = np.random.default_rng(2).integers(-900, 900, 4000).astype(np.int16)
    frames = np.stack([stream[17:177], stream[3000:3160], stream[200:360], stream[:160] // 2])
    assert locate(stream, frames).tolist() == [17, 3000, 200, NOWHERE]


def test_silence_is_nowhere() -> None:
    assert locate(np.zeros(800, np.int16), np.zeros((2, 160), np.int16)).tolist() == [NOWHERE] * 2


def test_a_frame_that_never_came_is_not_taken_for_its_repetition() -> None:
    said = np.random.default_rng(1).normal(0, 3000, (300, 160)).astype(np.int16)
    came = np.concatenate([np.delete(said, 50, axis=0), said])
    found = locate(came.reshape(-1), said)
    assert found[50] == NOWHERE
    assert found[49] == 49 * 160
    assert found[51:].tolist() == [160 * row for row in range(50, 299)]
