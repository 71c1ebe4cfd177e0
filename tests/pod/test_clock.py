"""The pod's clock, tick by tick: order, pacing, lateness, and who is ended by whose mistake."""

import asyncio

import numpy as np
import pytest

from media_pod.call.inputs import CallerTick
from media_pod.call.playout import Playout
from media_pod.duplex.contract import Decision, Reason
from media_pod.pod.clock import MAX_CATCH_UP_TICKS
from media_pod.providers.ports import Pcm, Speech
from media_pod.transport.audiosocket.frames import HANGUP, Frame, FrameKind
from pod.doubles import (
    SAMPLES,
    Caller,
    Stage,
    Talk,
    slin,
    stage,  # noqa: F401 - a fixture
    values,
)


class Ducked(Talk):
    """Says a sawtooth, ducked from the fifth tick to the tenth."""

    def __init__(self, slot: int, log: list[str]) -> None:
        super().__init__(slot, log)
        self.playout = Playout(8000, SAMPLES)
        self.playout.add(Speech("", np.tile(np.arange(-8000, 8000, 10, dtype=np.int16), 2), ()))

    def more(self, played: int | None) -> Pcm:
        return self.playout.take(played)

    def sent(self, *, accepted: bool) -> None:
        self.playout.sent(accepted=accepted)

    def hear(self, tick: CallerTick) -> None:
        super().hear(tick)
        self.playout.duck.ducked = 5 <= len(self.heard) < 10


def test_a_tick_writes_gathers_steps_and_dispatches_in_this_order(stage: Stage) -> None:
    stage.call()
    stage.call()

    stage.tick()

    order = "frame frame send send read read step hear hear"
    assert " ".join(stage.log) == order


def test_every_leg_gets_one_frame_per_tick_from_the_first_one_on(stage: Stage) -> None:
    first, second = stage.call(), stage.call()

    stage.tick(3)  # no audio has come

    assert values(first.hears()) == [1, 1, 1]
    assert values(second.hears()) == [2, 2, 2]


def test_the_bank_gets_what_was_played_and_what_came_in_the_same_tick(stage: Stage) -> None:
    first, second = stage.call(), stage.call()
    second.says(slin(700))
    stage.tick()
    first.says(slin(800))
    stage.tick()

    assert stage.bank.played[0][:, 0].tolist() == [1, 2, 0]
    assert [audio[:, 0].tolist() for audio in stage.bank.caller] == [[0, 700, 0], [800, 0, 0]]
    heard = first.talk.heard[-1]
    assert (heard.cleaned[0], heard.speech, heard.delay_ms, heard.erle_db) == (800, 0.25, 120, 15)
    assert (heard.decision, heard.reason) == (Decision.NONE, Reason.SPEECH_OVER_ECHO)


def test_the_bank_gets_a_ducked_bot_as_it_left_to_the_sample(stage: Stage) -> None:
    caller = Caller(0, stage.log)
    caller.talk = Ducked(0, stage.log)
    stage.callers.append(caller)
    stage.join(caller)
    stage.tick(20)

    sent = np.concatenate([np.frombuffer(frame.payload, "<i2") for frame in caller.hears()])
    assert np.array_equal(np.concatenate([played[0] for played in stage.bank.played]), sent)
    assert np.abs(sent[6 * SAMPLES : 10 * SAMPLES]).max() < 0.2 * np.abs(sent).max()


def test_a_call_learns_what_carried_its_own_rise(stage: Stage) -> None:
    first, second = stage.call(), stage.call()
    stage.bank.why = {1: (("envelope", 2.1), ("speech", 1.4))}
    stage.tick()

    assert first.talk.heard[-1].why == ()
    assert second.talk.heard[-1].why == (("envelope", 2.1), ("speech", 1.4))


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_whatever_the_caller_s_ptime_its_audio_arrives_whole(stage: Stage, ptime_ms: int) -> None:
    caller = stage.call()
    sent = np.arange(1, 12 * SAMPLES + 1).astype("<i2")
    size = ptime_ms * 8
    packets = [sent[i : i + size].tobytes() for i in range(0, sent.size, size)]
    for tick in range(20):
        while packets and (12 * SAMPLES // size - len(packets)) * ptime_ms <= tick * 20:
            caller.says(Frame(FrameKind.SLIN, packets.pop(0)))
        stage.tick()

    heard = np.concatenate([block[0] for block in stage.bank.caller])
    assert np.array_equal(heard[heard != 0], sent)


def test_digits_reach_the_call(stage: Stage) -> None:
    caller = stage.call()
    caller.says(Frame(FrameKind.DTMF, b"4"), slin(5), Frame(FrameKind.DTMF, b"#"))

    stage.tick()

    assert caller.talk.digits == "4#"


def test_what_is_skipped_and_dropped_of_a_caller_is_counted(stage: Stage) -> None:
    caller = stage.call()
    caller.sock.sendall(b"\x19\x00\x01x" * 2)
    caller.says(*(slin(700) for _ in range(15)))
    stage.tick()

    assert stage.metric("interject_skipped_frames_total") == 2
    assert stage.metric("interject_dropped_audio_seconds_total") == pytest.approx(0.1)
    assert caller.connection.ended is None


def test_the_tap_sees_every_step_with_its_calls(stage: Stage) -> None:
    stage.call()
    stage.tick()
    stage.call()
    stage.clock.skip(2)
    stage.tick()

    assert [legs for legs, *_ in stage.seen] == [[0], [0, 1], [0, 1], [0, 1]]
    assert [played[:, 0].tolist() for _, _, played, _ in stage.seen] == [
        [1, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
        [1, 2, 0],
    ]


def test_changes_of_a_decision_are_counted_once(stage: Stage) -> None:
    caller = stage.call()
    stage.tick(2)
    stage.bank.decision = Decision.CALLER
    stage.tick(3)

    assert stage.metric("interject_decisions_total") == 1
    assert caller.talk.heard[-1].delay_confidence == 0.75


def test_audio_of_another_rate_ends_that_call_alone(stage: Stage) -> None:
    wide, other = stage.call(), stage.call()
    stage.tick()
    wide.says(Frame(FrameKind.SLIN16, bytes(640)))
    stage.tick(2)

    assert "16000" in (wide.connection.ended or "")
    assert "spec.line.rateHz" in (wide.connection.ended or "")
    assert wide.hears()[-1] == HANGUP
    assert values(other.hears()) == [2, 2, 2]
    assert [leg.slot for leg in stage.ended] == [0]


@pytest.mark.parametrize("method", ["frame", "digit", "hear"])
def test_a_call_that_raises_ends_that_call_alone(
    stage: Stage, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    faulty, other = stage.call(), stage.call()
    stage.tick()
    faulty.talk.raises_in = method
    faulty.says(Frame(FrameKind.DTMF, b"4"))
    stage.tick(3)

    assert [(leg.slot, leg.failed) for leg in stage.ended] == [(0, True)]
    assert faulty.hears()[-1] == HANGUP
    assert values(other.hears()) == [2] * 4
    assert list(stage.legs) == [1]
    assert stage.log.count(method) == 1 if method == "digit" else True
    (record,) = (record for record in caplog.records if record.exc_info)
    assert (record.getMessage(), record.__dict__["call"]) == ("internal error", "call-0")
    assert stage.bank.played[-1][0].tolist() == [0] * SAMPLES


def test_a_bank_that_raises_ends_the_clock(stage: Stage) -> None:
    stage.call()
    stage.bank.broken = True

    with pytest.raises(ValueError, match="broken"):
        stage.tick()


def test_a_caller_who_hangs_up_is_gone_within_the_tick(stage: Stage) -> None:
    caller, _ = stage.call(), stage.call()
    caller.says(slin(700))
    stage.tick()
    caller.sock.close()
    stage.tick()

    assert [leg.slot for leg in stage.ended] == [0]
    assert list(stage.legs) == [1]
    assert not stage.ended[0].failed
    assert not stage.bank.caller[-1].any()


def test_a_pod_without_calls_leaves_the_bank_alone(stage: Stage) -> None:
    stage.tick(2)
    assert stage.log == []

    caller = stage.call()
    stage.tick()
    caller.sock.close()
    stage.tick(2)
    assert stage.log.count("step") == 1
    assert not stage.bank.open_slots


def test_the_bot_s_goodbye_is_told_before_it_is_on_the_wire(stage: Stage) -> None:
    caller, other = stage.call(), stage.call()
    caller.talk.over = True
    caller.talk.hang_up_reason = "closed"
    stage.tick()

    frames = caller.hears()
    assert values(frames[:-1]) == [1]  # the last frame first
    assert frames[-1] == HANGUP
    assert [entry for entry in stage.log if entry.startswith("on_")] == ["on_hang_up", "on_end"]
    assert caller.connection.ended == "closed"
    assert values(other.hears()) == [2]


def test_a_slot_is_clean_for_the_next_call(stage: Stage) -> None:
    caller = stage.call()
    caller.says(slin(700))
    stage.tick()
    caller.sock.close()
    stage.tick()
    next_caller = Caller(0, stage.log)
    stage.callers.append(next_caller)
    stage.join(next_caller)
    stage.tick()

    assert not stage.bank.caller[-1].any()
    assert values(next_caller.hears()) == [1]


@pytest.mark.parametrize("late", [1, MAX_CATCH_UP_TICKS])
def test_short_lateness_is_stepped_through_and_nothing_is_sent_twice(
    stage: Stage, late: int
) -> None:
    caller = stage.call()
    stage.tick()
    caller.says(*(slin(700 + number) for number in range(late + 1)))

    stage.clock.skip(late)
    stage.tick()

    assert values(caller.hears()) == [1, 1]
    assert [audio[0, 0] for audio in stage.bank.caller[1:]] == [700 + n for n in range(late + 1)]
    assert not any(audio.any() for audio in stage.bank.played[1:-1])
    assert stage.metric("interject_late_ticks_total") == late
    assert caller.talk.skipped == late


def test_long_lateness_is_not_stepped_through(stage: Stage) -> None:
    caller = stage.call()
    stage.tick()

    stage.clock.skip(1_000_000)
    stage.tick()

    assert len(stage.bank.caller) == 2
    assert values(caller.hears()) == [1, 1]
    assert caller.talk.skipped == 1_000_000


class Run:
    """`PodClock.run` on virtual time: each sleep takes so much longer than it should."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        self.late_s: list[float] = []
        self.ticked_s: list[float] = []
        real_sleep = asyncio.sleep

        async def sleep(delay_s: float) -> None:
            if not self.late_s:
                raise asyncio.CancelledError
            stage.watch.now_s += max(delay_s, 0) + self.late_s.pop(0)
            await real_sleep(0)

        real_tick = stage.clock.tick

        def tick() -> None:
            self.ticked_s.append(round(stage.watch.now_s - 1000, 6))
            real_tick()

        monkeypatch.setattr("media_pod.pod.clock.asyncio.sleep", sleep)
        monkeypatch.setattr(stage.clock, "tick", tick)

    async def __call__(self, *late_s: float) -> None:
        self.late_s = list(late_s)
        with pytest.raises(asyncio.CancelledError):
            await self.stage.clock.run()


async def test_the_grid_does_not_drift(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(stage, monkeypatch)
    await run(0.003, 0.019, 0.0, -0.001, 0.004)

    assert run.ticked_s == [0.023, 0.059, 0.06, 0.079, 0.104]
    assert stage.metric("interject_late_ticks_total") == 0


async def test_a_tick_a_whole_period_late_is_skipped_and_counted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = stage.call()
    run = Run(stage, monkeypatch)
    await run(0.0, 0.050, 0.0, 0.0)

    assert run.ticked_s == [0.02, 0.09, 0.1, 0.12]
    assert stage.metric("interject_late_ticks_total") == 2
    assert len(values(caller.hears())) == 4
    assert len(stage.bank.caller) == 6


async def test_a_pod_that_is_too_slow_does_not_slow_itself_down_by_catching_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.call()
    run = Run(stage, monkeypatch)
    await run(0.025, 0.025, 0.025)

    assert stage.metric("interject_late_ticks_total") == 3
    assert len(stage.bank.caller) == 3 + 1  # only the first lateness was stepped through
