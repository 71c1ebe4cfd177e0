"""Predicted echo levels."""

import numpy as np
import pytest

from media_pod.duplex.decision.prediction import EchoPrediction, Predicted
from media_pod.duplex.features import BANDS, Levels

LAG_TICKS = 12
LOCKED = np.array([True])
ALL = np.array([True])
UNLOCKED = np.array([False])
LINE_DB = np.linspace(-12, -24, BANDS).astype(np.float32)


def talk(ticks: int, seed: int = 1) -> Levels:
    """[ticks, BANDS] levels of a bot that talks on and on."""
    rng = np.random.default_rng(seed)
    return rng.uniform(40, 62, (ticks, BANDS)).astype(np.float32)


def run(
    prediction: EchoPrediction,
    played_db: Levels,
    caller_db: Levels,
    locked: np.ndarray[tuple[int], np.dtype[np.bool_]] = LOCKED,
) -> Predicted:
    """Step through all ticks; the last prediction."""
    for played, caller in zip(played_db, caller_db, strict=True):
        predicted = prediction.step(played[None], caller[None], np.array([LAG_TICKS]), locked, ALL)
    return predicted


def loudest_around(played_db: Levels, ago: int) -> Levels:
    end = len(played_db) - ago
    return np.asarray(played_db[end - 4 : end + 3].max(axis=0))


def echo(played_db: Levels) -> Levels:
    """What comes back: the loudest within 60 ms of the lag, each band attenuated as the line is."""
    silence = np.zeros((LAG_TICKS + 4, BANDS), np.float32)
    padded = np.concatenate([silence, played_db])
    rows = [padded[tick + 1 : tick + 8].max(axis=0) for tick in range(len(played_db))]
    return np.asarray(np.stack(rows) + LINE_DB, np.float32)


def test_learns_the_loss_of_every_band() -> None:
    played_db = talk(400)
    predicted = run(EchoPrediction(1, 1000), played_db, echo(played_db))
    coupling_db = predicted.at_lag_db[0] - loudest_around(played_db, LAG_TICKS)
    assert np.allclose(coupling_db, LINE_DB, atol=1.0)


def test_a_caller_in_a_fifth_of_the_time_does_not_spoil_it() -> None:
    played_db = talk(400)
    caller_db = echo(played_db)
    caller_db[(np.arange(400) % 50 >= 30) & (np.arange(400) % 50 < 40)] = 55.0
    predicted = run(EchoPrediction(1, 1000), played_db, caller_db)
    coupling_db = predicted.at_lag_db[0] - loudest_around(played_db, LAG_TICKS)
    assert np.all(coupling_db - LINE_DB < 4.0)


def test_twice_as_loud_a_bot_has_twice_as_loud_an_echo() -> None:
    played_db = talk(400)
    once = run(EchoPrediction(1, 1000), played_db, echo(played_db))
    twice = run(EchoPrediction(1, 1000), played_db + 6.02, echo(played_db) + 6.02)
    assert np.allclose(twice.at_lag_db - once.at_lag_db, 6.02, atol=0.01)
    assert np.allclose(twice.at_any_lag_db - once.at_any_lag_db, 6.02, atol=0.01)


def test_until_it_has_heard_the_bot_for_a_second_any_loss_is_possible() -> None:
    played_db = talk(40)
    predicted = run(EchoPrediction(1, 1000), played_db, 0 * played_db, UNLOCKED)
    assert not predicted.no_echo[0]
    assert np.all(predicted.at_any_lag_db[0] >= played_db.max(axis=0))


def test_a_line_without_echo_is_known_as_such_two_seconds_later() -> None:
    played_db = talk(150)
    predicted = run(EchoPrediction(1, 1000), played_db, 0 * played_db + 5, UNLOCKED)
    assert predicted.no_echo[0]
    assert np.all(predicted.at_any_lag_db[0] < played_db.max(axis=0) - 20)


def test_an_echo_whose_delay_is_not_found_or_doubted_is_an_echo_on_the_line() -> None:
    played_db = talk(150)
    loud_db = played_db.max(axis=1, keepdims=True) - 10 + 0 * played_db
    assert not run(EchoPrediction(1, 1000), played_db, loud_db, UNLOCKED).no_echo[0]
    assert not run(EchoPrediction(1, 1000), played_db, 0 * played_db + 5, LOCKED).no_echo[0]


@pytest.mark.parametrize(("silent_ticks", "speaking"), [(20, True), (70, False)])
def test_the_bot_speaks_for_as_long_as_its_echo_may_come(silent_ticks: int, speaking: bool) -> None:
    played_db = np.concatenate([talk(50), np.zeros((silent_ticks, BANDS), np.float32)])
    predicted = run(EchoPrediction(1, 1000), played_db, 0 * played_db)
    assert predicted.reference_at_any_lag[0] == speaking


def test_a_reset_forgets_the_line_and_what_was_played() -> None:
    played_db = talk(200)
    used, fresh = EchoPrediction(1, 1000), EchoPrediction(1, 1000)
    run(used, played_db, echo(played_db))
    used.reset(0)
    again = run(used, played_db[:30], echo(played_db[:30]))
    first = run(fresh, played_db[:30], echo(played_db[:30]))
    assert np.array_equal(again.at_lag_db, first.at_lag_db)
    assert np.array_equal(again.at_any_lag_db, first.at_any_lag_db)
