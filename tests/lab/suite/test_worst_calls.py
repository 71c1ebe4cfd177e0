import pytest

from interject_lab.audio_files import mu_law_wav
from interject_lab.suite.worst_calls import worst_calls
from lab.suite.rows import call_row, false_stop, interruption, run_again


def test_calls_are_ranked_by_false_stops_and_misses_together() -> None:
    rows = [
        call_row(0, false_stops=(false_stop(5.0),)),
        call_row(1, interruption(9, 200.0)),
        call_row(2, interruption(9, None), interruption(20, 900.0), false_stops=(false_stop(5.0),)),
        call_row(3, interruption(9, None), interruption(20, None)),
    ]
    found = worst_calls(rows, 3, run_again)
    assert [excerpt.row.call for excerpt in found] == [2, 3, 0]
    assert (found[0].false_stops, found[0].missed) == (1, 2)


def test_an_excerpt_holds_most_failures_and_the_time_before_them() -> None:
    row = call_row(0, interruption(42, None), false_stops=(false_stop(10.0), false_stop(40.0)))
    (excerpt,) = worst_calls([row], 1, run_again)
    assert excerpt.start_s == 37.0
    assert [event.at_s for event in excerpt.events] == [3.0, 5.0]
    assert [event.verdict for event in excerpt.events] == ["bad", "bad"]
    assert [stop.at_s for stop in excerpt.timeline.stops] == [3.0]
    (talk,) = excerpt.timeline.talks
    assert (talk.start_s, talk.end_s, talk.kind) == (5.0, 6.5, "interruption")


@pytest.mark.parametrize(("at_s", "start_s"), [(1.0, 0.0), (59.0, 45.0)])
def test_an_excerpt_lies_within_its_call(at_s: float, start_s: float) -> None:
    row = call_row(0, false_stops=(false_stop(at_s),))
    (excerpt,) = worst_calls([row], 1, run_again)
    trace = excerpt.timeline.trace
    assert (excerpt.start_s, excerpt.timeline.duration_s) == (start_s, 15.0)
    first = round(start_s * 8000)
    assert (trace.caller == run_again(row).trace.caller[first : first + 120_000]).all()
    assert len(mu_law_wav(trace.caller, trace.played, 8000)) * 4 / 3 < 400e3


def text_of(*sounds: object, **changes: object) -> str:
    row = call_row(0, *sounds, **changes)  # type: ignore[arg-type]
    (excerpt,) = worst_calls([row], 1, run_again)
    return "\n".join(event.text for event in excerpt.events)


def test_a_false_stop_says_its_reason_and_what_carried_it() -> None:
    stop = false_stop(10.0, why=(("echo", 2.14), ("pitch", -0.3)))
    assert text_of(false_stops=(stop,)) == (
        "False stop 1.2 s into the utterance: caller: the echo does not explain it; "
        "delay 120 ms, locked; carried by echo +2.1, pitch -0.3"
    )


def test_what_is_not_known_of_a_false_stop_is_left_out_or_named_as_it_is() -> None:
    stop = false_stop(10.0, reason="a_new_reason", delay_ms=None)
    assert text_of(false_stops=(stop,)) == (
        "False stop 1.2 s into the utterance: a_new_reason; delay unknown"
    )


def test_a_noise_that_stops_the_bot_is_a_stop_for_something_else() -> None:
    noise = interruption(8.0, 300.0, kind="noise", what="dog")
    row = call_row(0, noise, false_stops=(false_stop(10.0),))
    (excerpt,) = worst_calls([row], 1, run_again)
    stop = excerpt.timeline.stops[0]
    assert (stop.label, stop.true) == ("stop for noise: dog", False)
    assert excerpt.events[0].text.startswith("Noise: dog at -25 dBFS: stop after 300 ms")
    assert excerpt.events[0].verdict == "bad"


def test_conditions_have_their_units_and_what_a_call_does_not_have_is_left_out() -> None:
    row = call_row(0, false_stops=(false_stop(1.0),), steps=[[20.5, 400]], overdrive=True)
    (excerpt,) = worst_calls([row], 1, run_again)
    assert excerpt.conditions == [
        "ERL 15.0 dB",
        "delay 150 ms",
        "path room",
        "steps at 20.5 s to 400 ms",
        "overdrive",
    ]
