"""The model of Asterisk's queue against a queue with a timer, a network and outages of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.transport.websocket.playback import (
    MARK_FRAMES,
    MAX_HOLD_TICKS,
    MAX_LATE_TICKS,
    MAX_MARKS,
    MAX_QUEUED,
    SEND_AHEAD,
    Playback,
)
from transport.asterisk_queue import TICK_MS, AsteriskQueue, Played, in_time, steady

__all__ = ["steady"]

PHASES_MS = st.floats(0.5, 19.5)


def run(pod: Played, ticks: int, *, sound: bool = True) -> None:
    for _ in range(ticks):
        pod.tick(sound=sound)


@given(PHASES_MS, st.floats(0.0, 15.0), st.lists(st.integers(1, SEND_AHEAD), max_size=8))
def test_timers_that_run_alike_need_no_correction_and_stalls_are_not_heard(
    phase_ms: float, gather_ms: float, stalls: list[int]
) -> None:
    pod = Played(AsteriskQueue(phase_ms), Playback(), gather_ms)
    run(pod, 60)
    dry = len(pod.queue.dry)
    for ticks in stalls:
        pod.skip(ticks)
        run(pod, 30)

    assert len(pod.queue.dry) == dry
    assert pod.corrections == []
    assert all(0 <= error_ms < TICK_MS for error_ms in pod.errors_ms())
    assert [frame for _, frame in pod.queue.left] == list(pod.modelled)[: len(pod.queue.left)]


def test_a_frame_leaves_as_many_ticks_later_as_are_sent_ahead(steady: Played) -> None:
    run(steady, 10)
    sent = int(steady.model.next_mark).to_bytes(4, "big")
    steady.tick()
    run(steady, SEND_AHEAD)

    assert steady.modelled[sent] == 10 + SEND_AHEAD


@given(PHASES_MS, st.integers(SEND_AHEAD + 1, 60))
def test_after_a_longer_stall_the_queue_is_filled_again_at_once(
    phase_ms: float, ticks: int
) -> None:
    pod = Played(AsteriskQueue(phase_ms), Playback())
    run(pod, 60)
    pod.skip(ticks)

    assert pod.model.frames_needed == SEND_AHEAD + 1
    run(pod, 60)
    assert pod.corrections == []
    assert all(0 <= error_ms < TICK_MS for error_ms in pod.errors_ms())


@given(PHASES_MS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_what_is_flushed_never_left_and_silence_is_filled_in(
    phase_ms: float, between: list[int]
) -> None:
    pod = Played(AsteriskQueue(phase_ms), Playback())
    for ticks in between:
        run(pod, ticks)
        left = pod.model.frames_played
        pod.flush()
        assert pod.model.frames_needed == SEND_AHEAD + 1
        assert pod.model.frames_played == left
    run(pod, 60)

    assert pod.corrections == []
    # One frame may have been on its way out when it was flushed.
    assert len(set(pod.modelled) - {frame for _, frame in pod.queue.left}) <= len(between) + 1
    assert all(0 <= error_ms < TICK_MS for error_ms in pod.errors_ms())


@pytest.mark.parametrize("ppm", [-2000, -500, 500, 2000])
@pytest.mark.parametrize("phase_ms", [0.5, 10.0, 19.5])
def test_a_timer_that_runs_faster_or_slower_is_followed(ppm: int, phase_ms: float) -> None:
    # Ten to forty times the drift of real timers: these two minutes are an hour of theirs.
    pod = Played(AsteriskQueue(phase_ms, TICK_MS * (1 + ppm / 1e6)), Playback())
    for tick in range(6000):
        pod.tick(sound=tick % 100 < 60)

    assert {correction > 0 for correction in pod.corrections} == {ppm > 0}
    assert pod.queue.dry == []
    assert len(pod.queue.queue) <= SEND_AHEAD + 4
    in_time(pod.errors_ms())


@given(PHASES_MS, st.integers(8, 40))
def test_frames_that_were_late_deepen_the_queue_until_the_bot_pauses(
    phase_ms: float, late_ticks: int
) -> None:
    pod = Played(AsteriskQueue(phase_ms), Playback())
    run(pod, 60)
    pod.queue.outage_until_ms = pod.now_ms + late_ticks * TICK_MS
    run(pod, 200)
    frames = late_ticks - SEND_AHEAD

    assert len(pod.corrections) == 1
    assert abs(pod.corrections[0] - frames) <= 2
    settled = len(pod.queue.left)
    run(pod, 100)
    in_time(pod.errors_ms()[settled:])
    run(pod, 150, sound=False)
    assert SEND_AHEAD <= len(pod.queue.queue) <= SEND_AHEAD + 2
    in_time(pod.errors_ms()[settled:])


def surplus(pod: Played) -> int:
    """Frames that count as played and have not left Asterisk's queue."""
    return pod.model.frames_played - int.from_bytes(pod.queue.left[-1][1], "big")


@given(PHASES_MS, st.integers(0, 60), st.integers(8, 60))
def test_after_an_outage_little_counts_as_played_that_was_not(
    phase_ms: float, before: int, late_ticks: int
) -> None:
    pod = Played(AsteriskQueue(phase_ms), Playback())
    run(pod, 60 + before)
    pod.queue.outage_until_ms = pod.now_ms + late_ticks * TICK_MS
    for _ in range(late_ticks + 2 * MARK_FRAMES + 1):
        pod.tick()
        assert surplus(pod) <= 400 / TICK_MS
    for _ in range(200):
        pod.tick()
        assert surplus(pod) <= MAX_LATE_TICKS + 1


def test_a_mark_that_is_never_reported_holds_nothing_back_for_long(steady: Played) -> None:
    run(steady, 10 * MARK_FRAMES)
    steady.queue.report_delay_ms = 1e9
    run(steady, MAX_HOLD_TICKS)
    assert surplus(steady) < -MAX_HOLD_TICKS // 2
    run(steady, MARK_FRAMES + MAX_LATE_TICKS)
    assert surplus(steady) > -MAX_HOLD_TICKS


def test_one_late_report_changes_nothing(steady: Played) -> None:
    run(steady, MARK_FRAMES)
    steady.queue.report_delay_ms = 150.0
    run(steady, 5)
    steady.queue.report_delay_ms = 0.3
    run(steady, 200)

    assert steady.corrections == []


def test_one_tick_that_comes_late_changes_nothing(steady: Played) -> None:
    run(steady, MARK_FRAMES)
    steady.gather_ms = 45.0
    run(steady, 2)
    steady.gather_ms = 1.0
    run(steady, 200)

    assert steady.corrections == []
    assert all(0 <= error_ms < TICK_MS for error_ms in steady.errors_ms())


def test_reports_that_are_late_again_and_again_are_believed_until_one_is_in_time(
    steady: Played,
) -> None:
    run(steady, MARK_FRAMES)
    steady.queue.report_delay_ms = 150.0
    run(steady, 30)
    steady.queue.report_delay_ms = 0.3
    run(steady, 200)

    assert steady.corrections == [7, -7]
    in_time(steady.errors_ms()[-100:])


def test_marks_are_set_regularly_and_after_a_flush() -> None:
    model = Playback()
    marked = []
    last = 2 * MARK_FRAMES + MARK_FRAMES // 2
    for frame in range(1, 3 * MARK_FRAMES):
        if model.mark_due:
            marked.append(frame)
        model.push(b"frame", marked=model.mark_due)
        if frame == last:
            model.flush()

    assert marked == [1, 1 + MARK_FRAMES, 1 + 2 * MARK_FRAMES, last + 1]


def test_marks_that_were_never_set_or_were_flushed_are_ignored() -> None:
    model = Playback()
    model.push(b"frame", marked=True)
    model.flush()

    assert model.marked("1") == 0
    assert model.marked("7") == 0
    assert model.frames_needed == SEND_AHEAD + 1


def test_everything_is_bounded() -> None:
    model = Playback()
    for _ in range(3 * MAX_QUEUED):
        model.push(b"frame", marked=True)

    model.tick()
    assert model.frames_played == 2 * MAX_QUEUED + 1
    assert model.frames_needed == 1
    assert [model.marked(str(number)) for number in range(3 * MAX_QUEUED - MAX_MARKS + 1)] == [
        0
    ] * (3 * MAX_QUEUED - MAX_MARKS + 1)
