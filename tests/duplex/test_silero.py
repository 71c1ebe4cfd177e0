"""Silero as matrix products, and its schedule."""

from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from duplex.conftest import Speak
from duplex.signals import ticks
from media_pod.duplex.vad.silero import SileroNetwork, SileroVad

Audio = NDArray[np.float32]
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def jit() -> Any:
    path = files("silero_vad") / "data" / "silero_vad.jit"
    with pytest.warns(DeprecationWarning, match="torch.jit.load"):
        return torch.jit.load(str(path), map_location="cpu")


@pytest.fixture(scope="module", params=[8000, 16000])
def network(request: pytest.FixtureRequest) -> SileroNetwork:
    return SileroNetwork(request.param)


def windows(sound: Audio, network: SileroNetwork) -> Audio:
    """[windows, window] of one stream."""
    return sound[: sound.size // network.window * network.window].reshape(-1, network.window)


def probabilities(network: SileroNetwork, streams: Audio) -> Audio:
    """[streams, windows] for [streams, windows, window]."""
    state = np.zeros((len(streams), 256), np.float32)
    context = np.zeros((len(streams), network.context), np.float32)
    speech = []
    for window in streams.transpose(1, 0, 2):
        samples = np.concatenate([context, window], axis=1)
        probability, state = network(samples, state)
        context = window[:, -network.context :]
        speech.append(probability)
    return np.stack(speech, axis=1)


def sounds(rate_hz: int, speech: Speak) -> Audio:
    """[3, samples] loud speech, quiet speech in noise, noise whose level wanders."""
    rng = np.random.default_rng(3)
    spoken = speech(rate_hz)[: 2 * rate_hz].astype(np.float32) / 32768
    noise = rng.standard_normal(spoken.size).astype(np.float32)
    wander = np.exp(3 * np.sin(np.arange(spoken.size) / rate_hz * 4)).astype(np.float32)
    return np.stack([spoken, 0.1 * spoken + 0.003 * noise, 0.01 * wander * noise])


def test_gives_what_the_package_gives(
    network: SileroNetwork, jit: Any, caller_speech: Speak
) -> None:
    rate_hz = network.window * 1000 // 32
    for sound in sounds(rate_hz, caller_speech):
        ours = probabilities(network, windows(sound, network)[None])[0]
        jit.reset_states()
        with torch.no_grad():
            theirs = [
                float(jit(torch.from_numpy(window.copy())[None], rate_hz))
                for window in windows(sound, network)
            ]
        assert np.max(np.abs(ours - theirs)) < TOLERANCE


def test_hears_speech_and_no_speech_in_noise(network: SileroNetwork, caller_speech: Speak) -> None:
    spoken, _, noise = sounds(network.window * 1000 // 32, caller_speech)
    assert np.mean(probabilities(network, windows(spoken, network)[None]) > 0.5) > 0.7
    steady = np.random.default_rng(1).standard_normal(noise.size).astype(np.float32) * 0.01
    assert np.max(probabilities(network, windows(steady, network)[None])) < 0.5


def test_a_batch_gives_what_its_rows_give_alone(
    network: SileroNetwork, caller_speech: Speak
) -> None:
    rows = sounds(network.window * 1000 // 32, caller_speech)
    streams = np.stack([windows(row, network) for row in rows])
    together = probabilities(network, streams)
    for row, stream in zip(together, streams, strict=True):
        assert np.max(np.abs(probabilities(network, stream[None])[0] - row)) < TOLERANCE


def test_other_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="8000 or 16000 Hz, not at 44100 Hz"):
        SileroNetwork(44100)


def run(vad: SileroVad, slot: int, slots: int, sound: NDArray[np.int16]) -> Audio:
    """[ticks] of `slot`, the others hear the same sound backwards."""
    rows = [sound[::-1]] * slots
    rows[slot] = sound
    return np.array([vad.step(block)[slot] for block in ticks(rows)])


def test_with_all_phases_filled_five_eighths_of_the_calls_are_due_in_every_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vad = SileroVad(24, 8000)
    due = []

    def count(samples: Audio, state: Audio) -> tuple[Audio, Audio]:
        due.append(len(samples))
        return np.zeros(len(samples), np.float32), state

    network = vad._network
    for slot in range(24):
        vad.open(slot, phase=slot)
    monkeypatch.setattr(vad, "_network", _Counting(network, count))
    for _ in range(40):
        vad.step(np.zeros((24, 160), np.int16))
    assert due == [15] * 40


class _Counting:
    """A network's sizes, with another function in its place."""

    def __init__(self, network: SileroNetwork, call: Any) -> None:
        self.window, self.context = network.window, network.context
        self._call = call

    def __call__(self, samples: Audio, state: Audio) -> Any:
        return self._call(samples, state)


def test_nothing_leaks_from_a_closed_call_into_the_next(caller_speech: Speak) -> None:
    sound = caller_speech(8000)[:16000]
    vad = SileroVad(1, 8000)
    vad.open(0)
    first = run(vad, 0, 1, sound)
    vad.close(0)
    assert vad.step(np.zeros((1, 160), np.int16))[0] == 0
    vad.open(0)
    assert np.array_equal(run(vad, 0, 1, sound), first)
    assert first.max() > 0.9


def test_a_slot_does_not_hear_the_others(caller_speech: Speak) -> None:
    sound = caller_speech(8000)[:16000]
    alone, among = SileroVad(1, 8000), SileroVad(9, 8000)
    alone.open(0)
    for slot in range(9):
        among.open(slot, phase=slot + 4)
    alone.close(0)
    alone.open(0, phase=8)
    assert np.array_equal(run(alone, 0, 1, sound), run(among, 4, 9, sound))
