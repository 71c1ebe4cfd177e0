"""What every canceller does."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from duplex.signals import Sound, echo_of, hybrid_path, line_noise, room_path, speechlike, ticks
from media_pod.duplex.canceller.kalman import KalmanCanceller
from media_pod.duplex.canceller.protocol import LEAD_MS, Canceller
from media_pod.duplex.canceller.webrtc import WebRtcCanceller
from media_pod.duplex.contract import Pcm

Factory = Callable[[int, int], Canceller]
Path = Callable[[np.random.Generator], Sound]
LEAD = LEAD_MS * 8


every = pytest.mark.parametrize("factory", [WebRtcCanceller, KalmanCanceller])


def run(canceller: Canceller, caller: Pcm, reference: Pcm) -> NDArray[np.float64]:
    """[slots, samples] of what comes out for [ticks, slots, samples] of what goes in."""
    out = [canceller.step(one, other) for one, other in zip(caller, reference, strict=True)]
    return np.concatenate(out, axis=1).astype(np.float64)


def power_db(sound: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(sound**2) + 1e-3))


@every
@pytest.mark.parametrize(("path", "least_db"), [(hybrid_path, 18.0), (room_path, 15.0)])
def test_an_aligned_echo_is_taken_out(factory: Factory, path: Path, least_db: float) -> None:
    rng = np.random.default_rng(5)
    played = speechlike(rng, 8.0)
    echo = echo_of(played, path(rng), 15.0, LEAD) + line_noise(rng, played.size)
    canceller = factory(1, 8000)
    canceller.open(0)
    cleaned = run(canceller, ticks([echo]), ticks([played]))[0]
    settled = slice(4 * 8000, cleaned.size)
    assert power_db(echo[settled]) - power_db(cleaned[settled]) > least_db


@every
def test_a_caller_alone_passes(factory: Factory) -> None:
    caller = speechlike(np.random.default_rng(6), 2.0)
    canceller = factory(1, 8000)
    canceller.open(0)
    cleaned = run(canceller, ticks([caller]), ticks([np.zeros(caller.size)]))[0]
    assert abs(power_db(cleaned[8000:]) - power_db(caller[8000:])) < 1.0


@every
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_caller_alone_comes_out_later_by_the_stated_delay(factory: Factory, rate_hz: int) -> None:
    caller = line_noise(np.random.default_rng(8), 4 * rate_hz, -30.0)
    canceller = factory(1, rate_hz)
    canceller.open(0)
    cleaned = run(canceller, *(ticks([s], rate_hz // 50) for s in (caller, 0 * caller)))[0]
    settled = slice(rate_hz, 3 * rate_hz)
    delayed = np.roll(caller, canceller.delay_samples)
    assert power_db((cleaned - delayed)[settled]) < power_db(caller[settled]) - 40


@every
def test_closed_slots_are_silent_and_the_others_do_not_notice(factory: Factory) -> None:
    rng = np.random.default_rng(7)
    played = [speechlike(rng, 1.0) for _ in range(3)]
    heard = [echo_of(sound, hybrid_path(rng), 12.0, LEAD) for sound in played]
    together = factory(3, 8000)
    for slot in (0, 2):
        together.open(slot)
    cleaned = run(together, ticks(heard), ticks(played))
    assert not cleaned[1].any()
    for slot in (0, 2):
        alone = factory(1, 8000)
        alone.open(0)
        single = run(alone, ticks([heard[slot]]), ticks([played[slot]]))
        assert np.array_equal(single[0], cleaned[slot])


@every
def test_a_slot_that_is_opened_again_starts_afresh(factory: Factory) -> None:
    rng = np.random.default_rng(8)
    played = speechlike(rng, 1.0)
    heard = ticks([echo_of(played, hybrid_path(rng), 12.0, LEAD)])
    canceller = factory(1, 8000)
    canceller.open(0)
    first = run(canceller, heard, ticks([played]))
    canceller.close(0)
    assert not canceller.step(heard[0], heard[0]).any()
    canceller.open(0)
    assert np.array_equal(run(canceller, heard, ticks([played])), first)
