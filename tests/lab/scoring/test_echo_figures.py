"""Delay figures of calls whose delay track is made up."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from interject_lab.scoring.echo_figures import EchoFigures, echo_figures
from lab.suite.rows import TICKS, call_row, run_again

STEP_TICK = 1500


def figures(
    delay_ms: NDArray[np.float32],
    true_delay_ms: NDArray[np.float32],
    confidence: NDArray[np.float32],
    steps_s: Sequence[float] = (),
) -> EchoFigures:
    """Of a call in which the bot speaks all the time and nobody else does."""
    result = run_again(call_row(0))
    trace = replace(
        result.trace,
        delay_ms=delay_ms,
        true_delay_ms=true_delay_ms,
        delay_confidence=confidence,
    )
    bot = np.ones(TICKS, np.bool_)
    return echo_figures(replace(result, trace=trace), bot, ~bot, np.arange(TICKS), 0.0, steps_s)


def of(value: float) -> NDArray[np.float32]:
    return np.full(TICKS, value, np.float32)


def test_a_delay_without_steps_has_nothing_to_find_again() -> None:
    found = figures(of(124), of(120), of(1))
    assert found["locked_share"] == 1
    assert found["delay_error_p95_ms"] == 4
    assert found["relock_ms"] == ()


def test_only_a_locked_delay_has_an_error() -> None:
    confidence = of(1)
    confidence[:1000] = 0.4
    delay_ms = of(122)
    delay_ms[:1000] = 400
    found = figures(delay_ms, of(120), confidence)
    assert found["delay_error_p95_ms"] == 2
    assert found["locked_share"] == pytest.approx(2 / 3, abs=0.01)
    assert figures(of(np.nan), of(120), of(0))["delay_error_p95_ms"] is None


def test_a_step_is_found_again_after_the_echo_that_it_took() -> None:
    true_delay_ms, delay_ms = of(120), of(120)
    true_delay_ms[STEP_TICK:] = 300
    delay_ms[STEP_TICK + 25 :] = 300
    # The line is 60 ms late itself.
    at_s = [STEP_TICK * 0.02 - 0.06]
    assert figures(delay_ms, true_delay_ms, of(1), at_s)["relock_ms"] == (500,)
    assert figures(of(120), true_delay_ms, of(1), at_s)["relock_ms"] == (None,)


def test_the_slip_of_a_lost_frame_is_no_step() -> None:
    true_delay_ms = of(120)
    true_delay_ms[STEP_TICK:] = 100
    true_delay_ms[STEP_TICK + 100 :] = 400
    step_s = [(STEP_TICK + 98) * 0.02]
    assert figures(of(120), true_delay_ms, of(1))["relock_ms"] == ()
    assert figures(of(120), true_delay_ms, of(1), step_s)["relock_ms"] == (None,)


def test_a_delay_that_is_never_found_is_never_locked() -> None:
    assert figures(of(np.nan), of(120), of(0))["locked_share"] == 0
