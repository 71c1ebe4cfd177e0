import numpy as np
from numpy.typing import NDArray

from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance
from lab.conftest import Talk

Pcm = NDArray[np.int16]


def click(samples: int = 320) -> Pcm:
    return np.full(samples, 5000, np.int16)


def run(caller: Caller, bot: list[bool]) -> Pcm:
    return np.concatenate([caller.step(speaking) for speaking in bot])


def ticks(seconds: float, speaking: bool) -> list[bool]:
    return [speaking] * round(seconds * 50)


def onset_s(caller: Caller) -> list[float]:
    return [spoken.onset_sample / 8000 for spoken in caller.spoken]


def test_a_fixed_time_is_kept_whatever_the_bot_does() -> None:
    caller = Caller([PlannedUtterance("hello", click(), Cue.AT, 0.4)], 8000)
    heard = run(caller, ticks(1, True))
    assert np.flatnonzero(heard)[0] == 3200
    assert onset_s(caller) == [0.4]
    assert caller.spoken[0].interrupts
    assert caller.done


def test_talking_over_the_bot_waits_for_continuous_speech() -> None:
    caller = Caller([PlannedUtterance("stop", click(), Cue.BOT_SPEAKING, 1.0)], 8000)
    bot = ticks(0.5, True) + ticks(0.5, False) + ticks(0.6, True) + ticks(0.2, False)
    run(caller, bot + ticks(1, True))
    # The gap of 0.5 s starts the count again, the one of 0.2 s is a pause for breath.
    assert onset_s(caller) == [2.0]
    assert caller.spoken[0].interrupts


def test_a_bot_that_talks_on_is_not_interrupted_again_at_once() -> None:
    plan = [PlannedUtterance(str(i), click(), Cue.BOT_SPEAKING, 1.0) for i in range(2)]
    caller = Caller(plan, 8000)
    run(caller, ticks(4, True))
    first, second = onset_s(caller)
    assert first == 1.0
    assert second >= 2.0


def test_an_answer_waits_for_the_bot_to_speak_and_to_end() -> None:
    caller = Caller([PlannedUtterance("yes", click(), Cue.BOT_SILENT, 0.6)], 8000)
    run(caller, ticks(2, False) + ticks(1, True) + ticks(2, False))
    assert onset_s(caller) == [3.6]
    assert not caller.spoken[0].interrupts


def test_utterances_keep_their_order_and_do_not_overlap(talk: Talk) -> None:
    plan = [
        PlannedUtterance("long", talk(1.0), Cue.AT, 0.0),
        PlannedUtterance("late", click(), Cue.AT, 0.5),
    ]
    caller = Caller(plan, 8000)
    run(caller, ticks(2, False))
    long, late = caller.spoken
    assert (long.label, late.label) == ("long", "late")
    assert late.onset_sample >= 8000
    assert not long.interrupts


def test_the_onset_is_that_of_the_sound_in_the_recording() -> None:
    recording = np.concatenate([np.zeros(1234, np.int16), click(1000), np.zeros(900, np.int16)])
    caller = Caller([PlannedUtterance("x", recording, Cue.AT, 1.0)], 8000)
    heard = run(caller, ticks(2, False))
    spoken = caller.spoken[0]
    first, last = np.flatnonzero(heard)[[0, -1]]
    assert spoken.onset_sample <= first < spoken.onset_sample + 80
    assert spoken.end_sample - 80 <= last < spoken.end_sample


def test_a_recording_of_silence_is_said_and_not_noted() -> None:
    caller = Caller([PlannedUtterance("", np.zeros(800, np.int16), Cue.AT, 0)], 8000)
    run(caller, ticks(1, False))
    assert caller.done
    assert caller.spoken == ()
