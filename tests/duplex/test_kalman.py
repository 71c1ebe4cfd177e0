"""The Kalman canceller: echoes that move, distort and meet a voice, and any audio at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from duplex.signals import (
    Sound,
    echo_of,
    hybrid_path,
    line_noise,
    pcm,
    room_path,
    speechlike,
    ticks,
)
from media_pod.duplex.canceller.kalman import KalmanCanceller
from media_pod.duplex.canceller.kalman_filter import KalmanFilter
from media_pod.duplex.canceller.protocol import LEAD_MS, PAST_MS
from media_pod.duplex.contract import Pcm

RATE_HZ = 8000
TICK = 160
LEAD = LEAD_MS * 8
PAST = PAST_MS * 8
NOT_LOUD = st.integers(-3, 3)
EXTREMES = st.sampled_from([-32768, -1, 0, 1, 32767])


def opened(slots: int = 1, rate_hz: int = RATE_HZ) -> KalmanCanceller:
    canceller = KalmanCanceller(slots, rate_hz)
    for slot in range(slots):
        canceller.open(slot)
    return canceller


def run(canceller: KalmanCanceller, heard: Pcm, played: Pcm) -> NDArray[np.float64]:
    """[slots, samples] without the canceller's delay, for [ticks, slots, samples]."""
    out = [canceller.step(one, other) for one, other in zip(heard, played, strict=True)]
    return np.concatenate(out, axis=1)[:, canceller.delay_samples :].astype(np.float64)


def erle_db(heard: Sound, cleaned: Sound, first_s: float, last_s: float) -> float:
    part = slice(round(first_s * RATE_HZ), round(last_s * RATE_HZ))
    return float(10 * np.log10(np.mean(heard[part] ** 2) / (np.mean(cleaned[part] ** 2) + 1)))


def realigned(canceller: KalmanCanceller, played: Sound, at: int, *, relearn: bool) -> None:
    """Tell of a new alignment: the next reference is `played` from `at` on."""
    past = pcm(played[at - PAST : at]).astype(np.float32)
    canceller.realign(np.array([0]), past[None], np.array([relearn]))


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_the_filter_finds_a_room_at_both_rates(rate_hz: int) -> None:
    rng = np.random.default_rng(1)
    played = speechlike(rng, 6.0 * rate_hz / 8000)
    heard = echo_of(played, room_path(rng), 12.0, LEAD) + line_noise(rng, played.size)
    size = rate_hz // 50
    cleaned = run(opened(1, rate_hz), ticks([heard], size), ticks([played], size))[0]
    last = slice(4 * rate_hz, cleaned.size)
    assert 10 * np.log10(np.mean(heard[last] ** 2) / np.mean(cleaned[last] ** 2)) > 25


def test_the_echo_of_an_overdriven_loudspeaker_is_suppressed() -> None:
    rng = np.random.default_rng(2)
    played = speechlike(rng, 6.0)
    clipped = 2000 * np.tanh(played / 1500)
    heard = echo_of(clipped, hybrid_path(rng), 6.0, LEAD) + line_noise(rng, played.size)
    cleaned = run(opened(), ticks([heard]), ticks([played]))[0]
    assert erle_db(heard, cleaned, 2, 6) > 15


def test_a_voice_over_the_echo_keeps_its_level() -> None:
    rng = np.random.default_rng(3)
    played, voice = speechlike(rng, 8.0), speechlike(rng, 8.0, -23.0)
    voice[: 4 * RATE_HZ] = 0
    echo = echo_of(played, hybrid_path(rng), 12.0, LEAD) + line_noise(rng, played.size)
    cleaned = run(opened(), ticks([echo + voice]), ticks([played]))[0]
    double = slice(4 * RATE_HZ, cleaned.size)
    kept = np.dot(cleaned[double], voice[double]) / np.dot(voice[double], voice[double])
    assert 20 * np.log10(kept) > -1.5


@pytest.mark.parametrize("erl_db", [30.0, 45.0, 200.0])
def test_a_voice_on_a_line_with_hardly_an_echo_keeps_its_level(erl_db: float) -> None:
    """The filter does not explain the caller by an echo that is louder than the line's."""
    rng = np.random.default_rng(3)
    played, voice = speechlike(rng, 8.0), speechlike(rng, 8.0, -26.0)
    voice[: 3 * RATE_HZ] = 0
    echo = echo_of(played, hybrid_path(rng), erl_db, LEAD)
    heard = echo + voice + line_noise(rng, played.size)
    cleaned = run(opened(), ticks([heard]), ticks([played]))[0]
    double = slice(3 * RATE_HZ, cleaned.size)
    kept = np.dot(cleaned[double], voice[double]) / np.dot(voice[double], voice[double])
    assert 20 * np.log10(kept) > -1


def test_a_voice_over_the_echo_does_not_spoil_the_filter() -> None:
    rng = np.random.default_rng(4)
    played, voice = speechlike(rng, 9.0), speechlike(rng, 9.0, -17.0)
    voice[: 4 * RATE_HZ] = voice[7 * RATE_HZ :] = 0
    echo = echo_of(played, hybrid_path(rng), 12.0, LEAD) + line_noise(rng, played.size)
    cleaned = run(opened(), ticks([echo + voice]), ticks([played]))[0]
    assert erle_db(echo, cleaned, 7.1, 8.9) > erle_db(echo, cleaned, 2, 4) - 3


def test_a_slip_that_the_reference_follows_costs_nothing() -> None:
    rng = np.random.default_rng(5)
    played, slip, by = speechlike(rng, 5.0), 4 * RATE_HZ, 60
    echo = echo_of(played, room_path(rng), 12.0, LEAD) + line_noise(rng, played.size)
    steady = run(opened(), ticks([echo]), ticks([played]))[0]
    canceller = opened()
    run(canceller, ticks([echo[:slip]]), ticks([played[:slip]]))
    realigned(canceller, played, slip - by, relearn=False)
    heard = echo[slip - by : -by]
    slipped = run(canceller, ticks([heard]), ticks([played[slip - by : -by]]))[0]
    assert erle_db(heard, slipped, 0.04, 0.5) > erle_db(echo, steady, 4.04, 4.5) - 3


def test_an_echo_at_another_lag_is_learned_sooner_if_the_filter_is_told() -> None:
    rng = np.random.default_rng(6)
    played, step, by = speechlike(rng, 9.0), 7 * RATE_HZ, 50
    path = hybrid_path(rng)
    near, far = (echo_of(played, path, 12.0, LEAD + lag) for lag in (0, by))
    found = {}
    for relearn in (False, True):
        canceller = opened()
        run(canceller, ticks([near[:step]]), ticks([played[:step]]))
        realigned(canceller, played, step, relearn=relearn)
        after = run(canceller, ticks([far[step:]]), ticks([played[step:]]))[0]
        found[relearn] = erle_db(far[step:], after, 0.2, 1.2)
    assert found[True] > found[False] + 3


def test_an_echo_that_moves_is_not_made_louder_before_anybody_tells_of_it() -> None:
    rng = np.random.default_rng(10)
    played, step = speechlike(rng, 5.0), 4 * RATE_HZ
    path = hybrid_path(rng)
    near, far = (echo_of(played, path, 12.0, LEAD + lag) for lag in (0, 720))
    heard = np.concatenate([near[:step], far[step:]]) + line_noise(rng, played.size)
    cleaned = run(opened(), ticks([heard]), ticks([played]))[0]
    assert erle_db(heard, cleaned, 4.1, 4.6) > 2


def test_digital_silence_teaches_nothing() -> None:
    rng = np.random.default_rng(7)
    played, split = speechlike(rng, 5.0), 4 * RATE_HZ
    echo = echo_of(played, hybrid_path(rng), 12.0, LEAD) + line_noise(rng, played.size)
    steady = run(opened(), ticks([echo]), ticks([played]))[0]
    canceller = opened()
    run(canceller, ticks([echo[:split]]), ticks([played[:split]]))
    silence = np.zeros((100, 1, TICK), np.int16)
    assert not run(canceller, silence, ticks([played[:16000]]))[0, TICK:].any()
    realigned(canceller, played, split, relearn=False)
    after = run(canceller, ticks([echo[split:]]), ticks([played[split:]]))[0]
    assert erle_db(echo[split:], after, 0.04, 0.9) > erle_db(echo, steady, 4.04, 4.9) - 3


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_calls_bits_do_not_depend_on_its_row_or_on_the_other_calls(rate_hz: int) -> None:
    rng, size = np.random.default_rng(8), rate_hz // 50
    lines = []
    for _ in range(11):
        played = speechlike(rng, 1.0)
        lines.append((echo_of(played, hybrid_path(rng), 12.0, LEAD), played))
    heard, sent = (ticks([line[side] for line in lines], size) for side in (0, 1))
    count = len(heard) // 2
    alone = opened(1, rate_hz)
    expected = [alone.step(heard[tick, :1], sent[tick, :1]) for tick in range(count)]
    among = KalmanCanceller(11, rate_hz)
    for slot in (7, 3, 9, 1, 2, 5, 6, 8, 10, 4):
        among.open(slot)
    for tick in range(3):
        among.step(heard[tick + 9], sent[tick + 9])
    among.open(0)
    for tick in range(count):
        if tick == count // 2:
            for slot in (7, 1, 10):  # another call takes the row of a closed one
                among.close(slot)
        assert np.array_equal(expected[tick], among.step(heard[tick], sent[tick])[:1])


any_audio = arrays.arrays(
    np.int16,
    (12, 2, 1, TICK),
    elements=st.one_of(EXTREMES, NOT_LOUD, st.integers(-32768, 32767)),
    fill=EXTREMES,
)
"""[ticks, caller and reference, slots, samples]"""


@settings(max_examples=30, deadline=None)
@given(any_audio)
def test_no_audio_breaks_the_filter_and_silence_after_it_is_silence(audio: Pcm) -> None:
    canceller, filters = opened(), KalmanFilter(1, TICK)
    filters.reset(0)
    for heard, played in audio:
        canceller.step(heard, played)
        done = filters.step(
            heard.astype(np.float32), played.astype(np.float32), np.ones(1, np.bool_)
        )
        for part in (done.residual, done.echo_power, done.missed_power):
            assert np.isfinite(part).all()
    silence = np.zeros((1, TICK), np.int16)
    for _ in range(2):  # the latest sound is in two frames of the suppressor
        canceller.step(silence, silence)
    assert not canceller.step(silence, silence).any()


@settings(max_examples=30, deadline=None)
@given(any_audio)
def test_without_a_reference_any_audio_passes_unchanged(audio: Pcm) -> None:
    heard = audio[:, 0]
    cleaned = run(opened(), heard, np.zeros_like(heard))[0]
    assert np.array_equal(cleaned, np.concatenate(heard, axis=1)[0, : cleaned.size])


def test_no_number_becomes_subnormal_while_the_caller_sends_silence() -> None:
    rng = np.random.default_rng(9)
    filters = KalmanFilter(1, TICK)
    filters.reset(0)
    for tick, block in enumerate(ticks([line_noise(rng, 1400 * TICK, -6.0)]).astype(np.float32)):
        live = np.array([tick < 50])
        done = filters.step(0.2 * live * block, block, live)
        for part in (done.residual, done.echo_power, done.missed_power):
            size = np.abs(part)
            assert not ((size > 0) & (size < np.finfo(np.float32).tiny)).any()
