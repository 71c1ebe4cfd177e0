import numpy as np
from numpy.typing import NDArray

from interject_lab.virtual.bot import ScriptedBot
from media_pod.duplex.contract import Decision

FIRST = np.full(1600, 1000, np.int16)
SECOND = np.full(1600, 2000, np.int16)


def make() -> ScriptedBot:
    return ScriptedBot([FIRST, SECOND], 8000, start_s=0.1, pause_s=0.2, quiet_s=0.3)


def run(bot: ScriptedBot, decisions: list[Decision]) -> NDArray[np.int64]:
    """The level of each tick."""
    levels = []
    for decision in decisions:
        levels.append(int(np.max(bot.frame())))
        bot.decide(decision)
    return np.array(levels)


def test_left_alone_it_says_its_list_over_and_over() -> None:
    levels = run(make(), [Decision.NONE] * 65)
    expected = [0] * 5 + ([1000] * 10 + [0] * 10 + [2000] * 10 + [0] * 10) * 2
    assert levels.tolist() == expected[:65]


def test_the_caller_stops_it_at_the_next_tick_and_it_goes_on_with_the_next_utterance() -> None:
    bot = make()
    caller_talks = [Decision.NONE] * 8 + [Decision.CALLER] * 10 + [Decision.NONE] * 20
    levels = run(bot, caller_talks)
    assert levels[5:9].tolist() == [1000] * 4
    assert np.all(levels[9:33] == 0)
    assert np.all(levels[33:] == 2000)
    assert bot.stop_samples == (9 * 160,)


def test_an_onset_does_not_stop_it() -> None:
    bot = make()
    assert np.all(run(bot, [Decision.ONSET] * 15)[5:] == 1000)
    assert bot.stop_samples == ()


def test_a_caller_who_speaks_while_it_is_silent_is_not_a_stop() -> None:
    bot = make()
    run(bot, [Decision.CALLER] * 3)
    assert bot.stop_samples == ()
