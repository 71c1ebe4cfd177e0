import math

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import UNDERRUN
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import EchoPath
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance, TelephoneUser
from interject_lab.telephones.handset import (
    BUFFER_FRAMES,
    MAX_BUFFER_FRAMES,
    Dtmf,
    Handset,
    PhoneClock,
)

BOT = np.arange(1, 16_001).astype(np.int16)


def make(*plan: PlannedUtterance, max_s: float = 1.0, user: TelephoneUser | None = None) -> Handset:
    """A handset on a line that returns everything at once, unchanged."""
    line = TelephoneLine(
        8000,
        EchoPath("hybrid", 8000, np.array([1.0])),
        erl_db=0.0,
        delays=[DelayStep(0, 0)],
        bot_speech=BOT,
        law=None,
        noise_dbfs=-math.inf,
        rng=np.random.default_rng(0),
    )
    return Handset(line, user or Caller(plan, 8000), max_s)


class Presser(Caller):
    """Presses 1 and # in its second tick, and hangs up after its third."""

    ticks = 0

    def step(self, bot_is_speaking: bool) -> NDArray[np.int16]:
        self.ticks += 1
        return super().step(bot_is_speaking)

    @property
    def keys(self) -> str:
        return "1#" if self.ticks == 2 else ""

    @property
    def hangs_up(self) -> bool:
        return self.ticks == 3


def frame(index: int, frames: int = 1) -> NDArray[np.int16]:
    return BOT[index * 160 : (index + frames) * 160]


def test_it_plays_in_order_once_its_buffer_is_full() -> None:
    handset = make()
    heard = []
    for index in range(10):
        handset.receive(frame(index), at_ns=index)
        heard.append(handset.tick())
    late = BUFFER_FRAMES - 1
    assert not np.any(heard[:late])
    np.testing.assert_array_equal(np.concatenate(heard[late:]), frame(0, 10 - late))


def test_an_underrun_is_silence_and_a_step_of_the_delay() -> None:
    handset = make()
    handset.receive(frame(0, 3), at_ns=0)
    for _ in range(4):
        handset.tick()
    handset.receive(frame(3, 2), at_ns=1)
    handset.tick()
    record = handset.record([0] * 5, "")
    assert record.bot_played_sample.tolist() == [0, 160, 320, UNDERRUN, 480]
    assert not np.any(record.caller[480:640])


def test_a_bot_that_sends_far_ahead_is_cut_back() -> None:
    handset = make(max_s=2.0)
    frames = MAX_BUFFER_FRAMES + 1
    handset.receive(frame(0, frames), at_ns=0)
    handset.tick()
    played = handset.record([0], "").bot_played_sample
    assert played.tolist() == [(frames - BUFFER_FRAMES) * 160]


def test_frames_of_any_length_have_a_time_per_tick() -> None:
    handset = make()
    for index, samples in enumerate((80, 80, 400, 10)):
        handset.receive(np.zeros(samples, np.int16), at_ns=index)
    assert handset.record([], "").bot_arrived_ns.tolist() == [1, 2, 2, 3]


def test_what_never_came_is_silence_that_was_due_in_its_turn() -> None:
    handset = make()
    handset.receive(frame(0), at_ns=0)
    handset.miss(480, at_ns=50_000_000)
    handset.receive(frame(4), at_ns=50_000_000)
    record = handset.record([], "")
    assert record.bot_arrived_ns.tolist() == [0, 20_000_000, 40_000_000, 50_000_000, 50_000_000]
    np.testing.assert_array_equal(record.bot[640:], frame(4))
    assert not np.any(record.bot[160:640])


def test_a_pause_that_was_played_as_silence_is_no_step_of_the_delay() -> None:
    handset = make()
    handset.receive(frame(0, 3), at_ns=0)
    for _ in range(6):
        handset.tick()
    handset.miss(4 * 160, at_ns=1)
    handset.receive(frame(7, 2), at_ns=1)
    for _ in range(3):
        handset.tick()
    played = handset.record([0] * 9, "").bot_played_sample
    none = UNDERRUN
    assert played.tolist() == [0, 160, 320, none, none, none, 960, 1120, 1280]


def test_memory_is_bounded_by_the_longest_call() -> None:
    handset = make(max_s=0.1)
    handset.receive(np.ones(5000, np.int16), at_ns=0)
    while not handset.over:
        handset.tick()
    record = handset.record([0] * 5, "the caller hung up")
    assert record.bot.size == record.caller.size == 800
    assert record.bot_arrived_ns.size == record.caller_sent_ns.size == 5


def test_the_caller_talks_over_the_bot_that_is_heard() -> None:
    wait = PlannedUtterance("wait", np.full(320, 9000, np.int16), Cue.BOT_SPEAKING, 0.1)
    handset = make(wait)
    handset.receive(np.full(8000, 4000, np.int16)[: MAX_BUFFER_FRAMES * 160], at_ns=0)
    for _ in range(20):
        handset.tick()
    (spoken,) = handset.record([0] * 20, "").spoken
    assert spoken.onset_sample == 800
    assert spoken.interrupts


MS = 1_000_000


def test_ticks_are_counted_from_the_start_and_late_ones_made_up_for() -> None:
    ticks = PhoneClock(make(max_s=0.1), [], lambda elapsed_s: None, start_ns=7)
    assert not ticks.due(6)
    due_ns = []
    for now_ns in (7, 20 * MS, 95 * MS):
        while ticks.due(now_ns):
            due_ns.append(ticks.tick().at_ns)
    assert due_ns == [7 + 20 * MS * index for index in range(5)]
    assert not ticks.due(10_000 * MS)


def test_a_tick_brings_the_keys_and_the_frame_of_its_time() -> None:
    keys = [Dtmf(0.0, "1"), Dtmf(0.03, "2"), Dtmf(0.04, "#")]
    ticks = PhoneClock(make(max_s=0.1), keys, lambda elapsed_s: None, start_ns=0)
    brought = [ticks.tick() for _ in range(4)]
    assert [tick.digits for tick in brought] == ["1", "", "2#", ""]
    assert {tick.frame.shape for tick in brought} == {(160,)}
    assert brought[0].frame.dtype == np.int16


def test_progress_is_told_once_a_second() -> None:
    reported: list[float] = []
    ticks = PhoneClock(make(max_s=2.1), [], reported.append, start_ns=0)
    while ticks.due(10_000 * MS):
        ticks.tick()
    assert reported == [0.0, 1.0, 2.0]


def test_who_holds_it_presses_keys_and_hangs_up() -> None:
    handset = make(user=Presser((), 8000))
    clock = PhoneClock(handset, [Dtmf(0.02, "9")], lambda elapsed_s: None, start_ns=0)
    digits = []
    while clock.due(10**12):
        digits.append(clock.tick().digits)
    assert digits == ["", "91#", ""]
