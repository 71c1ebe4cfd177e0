from itertools import pairwise

import numpy as np

from interject_lab.scripted_bot import ScriptedBot
from interject_lab.suite.document import Suite, read_suite
from interject_lab.suite.draw import draw_call, draw_line
from interject_lab.virtual import VirtualCall, run
from lab.suite.instruments import DeafBank
from lab.suite.small_material import small_material


def test_a_call_of_the_suite_clean_has_an_echo_and_nothing_else_that_is_hard() -> None:
    suite = read_suite("clean").model_copy(update={"seconds": 10.0})
    material = small_material()
    calls = [draw_call(suite, material, 1, number) for number in range(12)]
    drawn = [call.conditions for call in calls]
    assert {each["path"] for each in drawn} == {"hybrid", "room"}
    assert all(60 <= each["delay_ms"] <= 700 for each in drawn)
    assert all(12 <= each["erl_db"] <= 30 for each in drawn)
    none = ("steps", "low_rate", "drift_ppm", "loss", "carrier_canceller", "overdrive")
    assert not any(each[name] for each in drawn for name in (*none, "in_the_field"))
    assert {each["background"] for each in drawn} == {"white"}
    kinds = {sound.kind for call in calls for sound in call.sounds}
    assert kinds == {"interruption", "answer", "none"}


def test_a_plan_lasts_as_long_as_the_call_however_soon_its_sounds_come() -> None:
    early = {"eventAfterSeconds": [0.0, 0.3], "events": {"noise": 1}}
    suite = Suite.model_validate({"name": "early", "seconds": 20, "caller": early}, by_alias=True)
    call = draw_call(suite, small_material(), 1, 0)
    bot = ScriptedBot(call.utterances, 8000)
    run(DeafBank(1, 8000), [VirtualCall(call.line, call.caller, bot)], suite.seconds)
    assert not call.caller.done


def test_steps_stay_in_the_range_of_the_suite() -> None:
    delay = {"ms": [1500, 1800], "stepShare": 1, "stepsPerMinute": [30, 30], "stepMs": [50, 90]}
    suite = Suite.model_validate({"name": "far", "line": {"delay": delay}}, by_alias=True)
    call = draw_call(suite.model_copy(update={"seconds": 20.0}), small_material(), 1, 0)
    steps_ms = [call.conditions["delay_ms"], *(ms for _, ms in call.conditions["steps"])]
    sizes_ms = [abs(after - before) for before, after in pairwise(steps_ms)]
    assert sizes_ms
    assert all(49 <= size_ms <= 91 for size_ms in sizes_ms)


def test_the_line_alone_is_that_of_the_call_but_for_its_noise() -> None:
    suite = read_suite("clean").model_copy(update={"seconds": 10.0})
    quiet = suite.line.model_copy(update={"noise_dbfs": (-120.0, -120.0)})
    suite, material = suite.model_copy(update={"line": quiet}), small_material()
    call = draw_call(suite, material, 1, 3)
    bot_speech = np.concatenate(call.utterances[:3])
    line, conditions = draw_line(suite, material, 1, 3, bot_speech)
    assert conditions.items() <= call.conditions.items()
    silence = np.zeros(160, np.int16)
    frames = bot_speech[: 100 * 160].reshape(-1, 160)
    one = np.array([line.step(frame, silence) for frame in frames], np.float64)
    other = np.array([call.line.step(frame, silence) for frame in frames], np.float64)
    assert np.square(one).sum() > 0
    assert np.square(one - other).sum() < 1e-4 * np.square(one).sum()
