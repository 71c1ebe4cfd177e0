"""Every rule on short calls: a caller on a clean line, silence, and the bot's own echo."""

from functools import cache

import numpy as np
import pytest

from interject_lab.rules.registry import RULES, resolve
from lab.rules.conftest import RATE_HZ, TICK, decisions, on_line, rises_ms, say
from media_pod.duplex.contract import Decision, Pcm

pytestmark = pytest.mark.usefixtures("foreign_packages")

LATENCY_MS = {
    "half-duplex": 180,
    "naive": 180,
    "interject": 180,
    "interject-low": 180,
    "interject-high": 180,
    "interject-rule": 180,
    "interject-webrtc": 180,
    "interject-webrtc-rule": 180,
    "energy": 120,
    "aligned": 180,
    "aec3": 280,
    "aec3-aligned": 280,
    "ava-pipeline": 140,
    "ava-fallback": 280,
    "ava-talk-detect": 40,
    "ict": 260,
    "pipecat": 300,
    "livekit": 580,
    "ten": 240,
}
"""From the caller's onset to the decision, at most: the time that the rule asks for, and a window
of its detector."""
LEAST_MS = {"ict": 240, "livekit": 500, "pipecat": 180, "ava-pipeline": 120, "ten": 200}
"""At least: no rule decides before the time that it asks for."""
PEERS_THAT_HEAR_ECHO = ("energy", "naive", "ava-pipeline", "ict", "pipecat", "livekit", "ten")


@cache
def clean_call() -> Pcm:
    """One second of silence, a caller at -18 dBFS, and two seconds of silence."""
    speech = say("Wait, stop, I have a question about that.", "en-us+f3", -18)
    return on_line(np.concatenate([np.zeros(RATE_HZ), speech, np.zeros(2 * RATE_HZ)]))


@cache
def bot_and_echo() -> tuple[Pcm, Pcm]:
    """The bot for some seconds, and what comes back 12 dB weaker after 250 ms."""
    bot = say(
        "Thank you for calling. Our opening hours are nine to five on weekdays, and ten to two on "
        "Saturdays. Please tell me how I can help you today.",
        "en-gb",
        -20,
    )
    delay = RATE_HZ // 4
    echo = np.concatenate([np.zeros(delay), bot[:-delay] * 10 ** (-12 / 20)])
    whole = bot.size // TICK * TICK
    return bot[:whole], on_line(echo)


def test_every_rule_has_a_latency_here() -> None:
    assert set(LATENCY_MS) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_caller_on_a_clean_line_is_found_in_the_rules_own_time_and_released(name: str) -> None:
    bank = resolve(name).bank(1, RATE_HZ)
    bank.open(0)
    found = decisions(bank, clean_call())
    first_ms = rises_ms(found)[0] - 1000
    assert LEAST_MS.get(name, 0) <= first_ms <= LATENCY_MS[name]
    assert found[-1] == Decision.NONE


@pytest.mark.parametrize("name", RULES)
def test_line_noise_is_nobody(name: str) -> None:
    bank = resolve(name).bank(1, RATE_HZ)
    bank.open(0)
    assert set(decisions(bank, on_line(np.zeros(2 * RATE_HZ)))) == {Decision.NONE}


@pytest.mark.parametrize("name", PEERS_THAT_HEAR_ECHO)
def test_rules_without_a_reference_take_the_echo_for_the_caller(name: str) -> None:
    bank = resolve(name).bank(1, RATE_HZ)
    bank.open(0)
    bot, echo = bot_and_echo()
    assert rises_ms(decisions(bank, echo, bot))


@pytest.mark.parametrize("name", ["half-duplex", "ava-fallback", "interject"])
def test_deaf_rules_and_the_product_do_not(name: str) -> None:
    bank = resolve(name).bank(1, RATE_HZ)
    bank.open(0)
    bot, echo = bot_and_echo()
    assert rises_ms(decisions(bank, echo, bot)) == []


def test_livekits_warm_up_only_puts_the_false_alarm_off() -> None:
    bank = resolve("livekit").bank(1, RATE_HZ)
    bank.open(0)
    bot, echo = bot_and_echo()
    assert rises_ms(decisions(bank, echo, bot))[0] == pytest.approx(3000, abs=40)


def test_livekit_hears_a_caller_before_the_bot_has_spoken() -> None:
    bank = resolve("livekit").bank(1, RATE_HZ)
    bank.open(0)
    assert rises_ms(decisions(bank, clean_call()))[0] < 3000


def test_ava_loses_talk_that_starts_in_the_first_1500_ms_of_an_utterance() -> None:
    bot, _ = bot_and_echo()
    talk = np.full(RATE_HZ, 1000, np.int16)
    for start_s, is_heard in ((1.0, False), (2.0, True)):
        bank = resolve("ava-talk-detect").bank(1, RATE_HZ)
        bank.open(0)
        caller = np.zeros_like(bot)
        caller[round(start_s * RATE_HZ) :][: talk.size] = talk
        assert bool(rises_ms(decisions(bank, caller, bot))) is is_heard


@pytest.mark.parametrize("name", ["ava-pipeline", "ava-fallback"])
def test_one_quiet_frame_starts_avas_count_again(name: str) -> None:
    bank = resolve(name).bank(1, RATE_HZ)
    bank.open(0)
    frames = np.full((60, TICK), 2000, np.int16)
    frames[5::6] = 0
    assert rises_ms(decisions(bank, frames.reshape(-1))) == []


@pytest.mark.parametrize("name", RULES)
def test_a_call_among_others_gets_the_same_bits_as_alone(name: str) -> None:
    bot, echo = bot_and_echo()
    ticks = 40
    calls = [(echo, bot), (clean_call()[RATE_HZ:], bot), (bot, echo)]
    banks = [resolve(name).bank(1, RATE_HZ) for _ in calls]
    together = resolve(name).bank(4, RATE_HZ)
    slots = [2, 0, 3]
    for index, slot in enumerate(slots):
        banks[index].open(0, index)
        together.open(slot, index)
    frames = np.zeros((2, 4, TICK), np.int16)
    for start in range(0, ticks * TICK, TICK):
        part = slice(start, start + TICK)
        for slot, call in zip(slots, calls, strict=True):
            frames[0, slot], frames[1, slot] = call[0][part], call[1][part]
        batch = together.step(frames[0], frames[1])
        for bank, slot in zip(banks, slots, strict=True):
            alone = bank.step(frames[0, [slot]], frames[1, [slot]])
            for field in ("cleaned", "speech", "decision", "delay_ms", "erle_db", "reason"):
                np.testing.assert_array_equal(
                    getattr(batch, field)[slot], getattr(alone, field)[0], err_msg=field
                )


@pytest.mark.parametrize("name", RULES)
def test_a_slot_keeps_nothing_of_the_call_before(name: str) -> None:
    bot, echo = bot_and_echo()
    part = slice(0, RATE_HZ)
    used, fresh = (resolve(name).bank(2, RATE_HZ) for _ in range(2))
    used.open(1)
    decisions(used, echo[part], bot[part], slot=1)
    used.close(1)
    closed = used.step(np.full((2, TICK), 9000, np.int16), np.zeros((2, TICK), np.int16))
    for field in (closed.cleaned, closed.speech, closed.decision, closed.erle_db, closed.reason):
        assert not field.any()
    used.open(1)
    fresh.open(1)
    call = clean_call()[RATE_HZ - 20 * TICK : RATE_HZ + 30 * TICK]
    frames = np.zeros((2, TICK), np.int16)
    for start in range(0, call.size, TICK):
        frames[1] = call[start : start + TICK]
        one, other = used.step(frames, frames), fresh.step(frames, frames)
        np.testing.assert_array_equal(one.speech, other.speech)
        np.testing.assert_array_equal(one.cleaned, other.cleaned)
        np.testing.assert_array_equal(one.decision, other.decision)
