import numpy as np

from interject_lab.telephones.ticks import Dtmf, Ticks
from lab.test_handset import make

MS = 1_000_000


def test_ticks_are_counted_from_the_start_and_late_ones_made_up_for() -> None:
    ticks = Ticks(make(max_s=0.1), [], lambda elapsed_s: None, start_ns=7)
    assert not ticks.due(6)
    due_ns = []
    for now_ns in (7, 20 * MS, 95 * MS):
        while ticks.due(now_ns):
            due_ns.append(ticks.tick().at_ns)
    assert due_ns == [7 + 20 * MS * index for index in range(5)]
    assert not ticks.due(10_000 * MS)


def test_a_tick_brings_the_keys_and_the_frame_of_its_time() -> None:
    keys = [Dtmf(0.0, "1"), Dtmf(0.03, "2"), Dtmf(0.04, "#")]
    ticks = Ticks(make(max_s=0.1), keys, lambda elapsed_s: None, start_ns=0)
    brought = [ticks.tick() for _ in range(4)]
    assert [tick.digits for tick in brought] == ["1", "", "2#", ""]
    assert {tick.frame.shape for tick in brought} == {(160,)}
    assert brought[0].frame.dtype == np.int16


def test_progress_is_told_once_a_second() -> None:
    told: list[float] = []
    ticks = Ticks(make(max_s=2.1), [], told.append, start_ns=0)
    while ticks.due(10_000 * MS):
        ticks.tick()
    assert told == [0.0, 1.0, 2.0]
