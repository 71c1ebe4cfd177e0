"""Made sounds at the caller's end that go on: noise, mains hum, traffic, babble and music."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from interject_lab.material.waves import (
    Pcm,
    Wave,
    coloured_noise,
    harmonics,
    noise_band,
    normal,
    swell,
    to_pcm,
)

LOOP_S: Final = (4.0, 8.0)
_SEAM_S: Final = 0.1
"""The end of a loop fades into its start, so that no click repeats."""
_PEAK_DBFS: Final = (-20.0, -6.0)
_CHORDS: Final = ((0, 4, 7), (0, 3, 7), (5, 9, 12), (7, 11, 14), (-3, 0, 4), (2, 5, 9))
"""Semitones above the key note."""


def white(rng: np.random.Generator, rate_hz: int) -> Pcm:
    """A loop of white noise."""
    return _loop(rng, rng.standard_normal(_length(rng, rate_hz)), rate_hz)


def pink(rng: np.random.Generator, rate_hz: int) -> Pcm:
    """A loop of noise that falls by 2 to 6 dB per octave: rooms, fans, cars from inside."""
    return _loop(rng, coloured_noise(rng, _length(rng, rate_hz), -rng.uniform(2, 6)), rate_hz)


def hum(rng: np.random.Generator, rate_hz: int) -> Pcm:
    """A loop of mains hum: 50 or 60 Hz with harmonics, above a little noise."""
    samples = _length(rng, rate_hz)
    pitch = np.full(samples, rng.choice((50.0, 60.0)) * rng.uniform(0.999, 1.001))
    buzz = normal(harmonics(rng, pitch, rate_hz, rng.uniform(3, 10)))
    return _loop(rng, buzz + rng.uniform(0.005, 0.05) * rng.standard_normal(samples), rate_hz)


def street(rng: np.random.Generator, rate_hz: int) -> Pcm:
    """A loop of traffic: a slowly swelling rumble, and one to three passing cars."""
    samples = _length(rng, rate_hz)
    slow = np.interp(np.arange(samples), np.linspace(0, samples, 12), rng.uniform(0.5, 1.5, 12))
    made = coloured_noise(rng, samples, -rng.uniform(4, 7)) * slow
    for _ in range(int(rng.integers(1, 4))):
        width = round(rng.uniform(1.0, 2.5) * rate_hz)
        start = int(rng.integers(0, samples - width))
        car = noise_band(rng, width, rate_hz, 100, rng.uniform(800, 2500)) * swell(width, 0.5, 0.5)
        made[start : start + width] += rng.uniform(1, 4) * car
    return _loop(rng, made, rate_hz)


def babble(rng: np.random.Generator, rate_hz: int, phrases: Sequence[Pcm]) -> Pcm:
    """A loop of 4 to 9 people who talk at once.

    Args:
        rng: draws from `phrases`.
        rate_hz: of `phrases` and the result.
        phrases: int16 [samples] each, of several speakers.
    """
    samples = _length(rng, rate_hz)
    made = np.zeros(samples)
    for _ in range(int(rng.integers(4, 10))):
        gain, at = rng.uniform(0.3, 1), -int(rng.integers(0, rate_hz))
        while at < samples:
            phrase = normal(phrases[int(rng.integers(len(phrases)))].astype(np.float64))
            inside = phrase[max(-at, 0) : samples - at]
            made[max(at, 0) : max(at, 0) + inside.size] += gain * inside
            at += phrase.size + int(rng.integers(rate_hz // 10, rate_hz))
    return _loop(rng, made, rate_hz)


def music(rng: np.random.Generator, rate_hz: int) -> Pcm:
    """A loop of chords with a melody above them, as on hold."""
    samples = _length(rng, rate_hz)
    key_hz, beat = rng.uniform(110, 220), round(rng.uniform(0.25, 0.6) * rate_hz)
    tilt = rng.uniform(6, 14)
    made = np.zeros(samples + 8 * beat)
    for at in range(0, samples, 4 * beat):
        chord = _CHORDS[int(rng.integers(len(_CHORDS)))]
        for step in chord:
            _add(made, at, 0.4 * _note(rng, key_hz * 2 ** (step / 12), 4 * beat, rate_hz, tilt))
        for place in range(4):
            if rng.random() < 0.75:
                step = chord[int(rng.integers(3))] + 12 + int(rng.choice((0, 0, 2)))
                note = _note(rng, key_hz * 2 ** (step / 12), beat, rate_hz, tilt)
                _add(made, at + place * beat, note)
    return _loop(rng, made[:samples], rate_hz)


def _note(
    rng: np.random.Generator, pitch_hz: float, samples: int, rate_hz: int, db_per_octave: float
) -> Wave:
    decay = np.exp(-np.arange(samples) / (rng.uniform(0.3, 1.5) * rate_hz))
    tone = harmonics(rng, np.full(samples, pitch_hz), rate_hz, db_per_octave)
    return normal(tone) * decay * swell(samples, 0.02, 0.1)


def _add(made: Wave, at: int, part: Wave) -> None:
    made[at : at + part.size] += part


def _length(rng: np.random.Generator, rate_hz: int) -> int:
    return round((rng.uniform(*LOOP_S) + _SEAM_S) * rate_hz)


def _loop(rng: np.random.Generator, sound: Wave, rate_hz: int) -> Pcm:
    seam = round(_SEAM_S * rate_hz)
    fade = np.sqrt(np.arange(seam) / seam)
    body = sound[:-seam].copy()
    body[:seam] = body[:seam] * fade + sound[-seam:] * fade[::-1]
    return to_pcm(body, rng.uniform(*_PEAK_DBFS))
