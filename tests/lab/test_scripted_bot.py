import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from interject_lab.scripted_bot import ScriptedBot
from media_pod.call.playout import Playout
from media_pod.duplex.contract import Decision, Pcm
from media_pod.providers.ports import Speech

FIRST = np.full(1600, 1000, np.int16)
SECOND = np.full(1600, 2000, np.int16)


def make() -> ScriptedBot:
    return ScriptedBot([FIRST, SECOND], 8000, start_s=0.1, pause_s=0.2, quiet_s=0.3)


def run_bot(bot: ScriptedBot, decisions: list[Decision]) -> NDArray[np.int64]:
    """The level of each tick."""
    levels = []
    for decision in decisions:
        levels.append(int(np.max(bot.frame())))
        bot.decide(decision)
    return np.array(levels)


def test_left_alone_it_says_its_list_over_and_over() -> None:
    levels = run_bot(make(), [Decision.NONE] * 65)
    expected = [0] * 5 + ([1000] * 10 + [0] * 10 + [2000] * 10 + [0] * 10) * 2
    assert levels.tolist() == expected[:65]


def test_the_caller_stops_it_at_the_next_tick_and_it_goes_on_with_the_next_utterance() -> None:
    bot = make()
    caller_talks = [Decision.NONE] * 8 + [Decision.CALLER] * 10 + [Decision.NONE] * 20
    levels = run_bot(bot, caller_talks)
    # The last one fades out, from its first sample on.
    assert levels[5:10].tolist() == [1000] * 5
    assert np.all(levels[10:33] == 0)
    assert np.all(levels[33:] == 2000)
    assert bot.stop_samples == (9 * 160,)


def test_an_onset_ducks_it_by_15_db_and_does_not_stop_it() -> None:
    bot = make()
    levels = run_bot(bot, [Decision.NONE] * 6 + [Decision.ONSET] * 4)
    assert levels[6] == 1000
    assert np.all(levels[8:] == round(1000 * 10 ** (-15 / 20)))
    assert bot.stop_samples == ()


def test_a_caller_who_speaks_while_it_is_silent_is_not_a_stop() -> None:
    bot = make()
    run_bot(bot, [Decision.CALLER] * 3)
    assert bot.stop_samples == ()


def test_a_duck_is_over_when_the_next_utterance_begins() -> None:
    bot = make()
    stopped_in_a_duck = [Decision.NONE] * 6 + [Decision.ONSET] * 4 + [Decision.CALLER]
    levels = run_bot(bot, stopped_in_a_duck + [Decision.NONE] * 20)
    spoken = levels[len(stopped_in_a_duck) + 1 :]
    assert spoken[np.flatnonzero(spoken)[0]] == 2000


_LOUD: Pcm = np.random.default_rng(1).integers(-20_000, 20_000, 4000).astype(np.int16)


@given(st.lists(st.sampled_from(Decision), min_size=30, max_size=30))
def test_it_ducks_and_fades_as_a_pods_playout_does(decisions: list[Decision]) -> None:
    bot = ScriptedBot([_LOUD], 8000, start_s=0.0, pause_s=1.5)
    pod = Playout(8000, 160)
    pod.add(Speech("", _LOUD, ()))
    before = Decision.NONE
    for decision in decisions:
        frame = pod.take()
        pod.sent(accepted=True)
        np.testing.assert_allclose(bot.frame(), frame, atol=1)

        bot.decide(decision)
        if decision is Decision.CALLER and before is not decision and pod.speaking:
            pod.stop()
        pod.duck.ducked = decision is Decision.ONSET
        before = decision
