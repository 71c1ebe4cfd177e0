"""Speech-like sound, echo paths and lines, all from a random generator."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from media_pod.duplex.contract import Pcm

Sound = NDArray[np.float64]
"""Samples in int16 units."""

RATE_HZ: Final = 8000
TICK: Final = RATE_HZ // 50


def at_level(sound: Sound, level_dbfs: float) -> Sound:
    """`sound` with an RMS of `level_dbfs` over all of it."""
    factor = 32768 * 10 ** (level_dbfs / 20) / float(np.sqrt(np.mean(sound**2)))
    return np.asarray(sound * factor)


def speechlike(rng: np.random.Generator, seconds: float, level_dbfs: float = -20.0) -> Sound:
    """Pulses and noise through formants that change with every sound, with short pauses."""
    length = round(seconds * RATE_HZ)
    sounds, made = [], 0
    while made < length:
        size = int(rng.integers(500, 1500))
        if rng.random() < 0.15:
            sounds.append(np.zeros(size))
        else:
            sounds.append(_sound(rng, size))
        made += size
    return at_level(np.concatenate(sounds)[:length], level_dbfs)


def _sound(rng: np.random.Generator, size: int) -> Sound:
    if rng.random() < 0.75:
        pitch_hz = rng.uniform(90, 220) * np.linspace(1, rng.uniform(0.85, 1.15), size)
        turns = np.floor(np.cumsum(pitch_hz) / RATE_HZ)
        excitation = np.diff(turns, prepend=0) + 0.02 * rng.standard_normal(size)
        formants_hz = (rng.uniform(250, 800), rng.uniform(900, 2200), rng.uniform(2300, 3200))
    else:
        excitation = 0.1 * rng.standard_normal(size)
        formants_hz = (rng.uniform(1200, 1800), rng.uniform(2000, 2800), rng.uniform(2900, 3500))
    for formant_hz in formants_hz:
        b, a = signal.iirpeak(formant_hz, Q=formant_hz / 150, fs=RATE_HZ)
        excitation = 0.2 * excitation + signal.lfilter(b, a, excitation)
    return np.asarray(excitation * np.hanning(size) ** 0.5, np.float64)


def hybrid_path(rng: np.random.Generator) -> Sound:
    """The 8 ms or so of a telephone hybrid, its first arrival at lag 0."""
    time = np.arange(64)
    ringing = np.cos(2 * np.pi * rng.uniform(0.08, 0.3) * time)
    path = np.exp(-time / rng.uniform(6, 14)) * ringing
    return np.asarray(path / np.sqrt(np.sum(path**2)))


def room_path(rng: np.random.Generator) -> Sound:
    """A small room: the direct sound at lag 0, and a tail that falls 60 dB in 200 ms."""
    time = np.arange(1200)
    path = 0.15 * rng.standard_normal(time.size) * np.exp(-6.9 * time / (0.2 * RATE_HZ))
    path[0] = 1.0
    return np.asarray(path / np.sqrt(np.sum(path**2)))


def echo_of(played: Sound, path: Sound, erl_db: float, delay_samples: int) -> Sound:
    """What comes back of `played`: as long as it, `erl_db` down, `delay_samples` late."""
    echo = signal.fftconvolve(played, path)[: played.size] * 10 ** (-erl_db / 20)
    return np.concatenate([np.zeros(delay_samples), echo])[: played.size]


def line_noise(rng: np.random.Generator, size: int, level_dbfs: float = -65.0) -> Sound:
    return at_level(rng.standard_normal(size), level_dbfs)


def pcm(sound: Sound) -> Pcm:
    return np.asarray(np.clip(np.rint(sound), -32768, 32767), np.int16)


def ticks(rows: list[Sound] | list[Pcm], tick: int = TICK) -> Pcm:
    """int16 [ticks, rows, samples] of as many equally long sounds as there are rows."""
    whole = np.stack([pcm(np.asarray(row, np.float64)) for row in rows])
    count = whole.shape[1] // tick
    cut = whole[:, : count * tick].reshape(len(rows), count, tick)
    return np.ascontiguousarray(cut.transpose(1, 0, 2))
