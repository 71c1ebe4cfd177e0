from interject_lab.suite.document import read_suite
from interject_lab.suite.draw import draw_call
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
