"""Made sounds at the caller's end that must not stop the bot, hums, and DTMF digits.

Each call of a maker draws another variant from its generator. They are sketches after source and
filter: an excitation (noise, harmonics of a pitch contour, or a strike) with an envelope, through
resonances. A cough is a burst, a breath and often a voice (Korpas et al., Pulmonary Pharmacology 9,
1996); the ranges of pitch and duration were chosen by ear and by what a telephone passes.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from interject_lab.material.material import EventKind
from interject_lab.material.waves import (
    Pcm,
    Wave,
    burst,
    contour,
    harmonics,
    in_sequence,
    noise_band,
    normal,
    resonate,
    ringing,
    swell,
    to_pcm,
)

PEAK_DBFS: Final = (-20.0, -6.0)
MAX_EVENT_S: Final = 2.0

_DTMF_LOW_HZ: Final = (697, 770, 852, 941)
_DTMF_HIGH_HZ: Final = (1209, 1336, 1477, 1633)
_DTMF_KEYS: Final = "123A456B789C*0#D"


def event(kind: EventKind, rng: np.random.Generator, rate_hz: int) -> Pcm:
    """A variant of this sound: int16 [0.1 to 2 s], peak within `PEAK_DBFS`."""
    sound = _MAKERS[kind](rng, rate_hz)[: round(MAX_EVENT_S * rate_hz)]
    return to_pcm(sound, rng.uniform(*PEAK_DBFS))


def hum(rng: np.random.Generator, rate_hz: int, pitch_hz: float) -> Pcm:
    """ "mm" or "mm hmm": a nasal sound, int16 [0.15 to 0.6 s].

    Args:
        rng: draws humps, contour and resonances.
        rate_hz: sampling rate.
        pitch_hz: the speaker's, 80 to 280.
    """
    humps = int(rng.integers(1, 3))
    peaks = (
        (rng.uniform(230, 320), 80.0),
        (rng.uniform(900, 1200), 200.0),
        (rng.uniform(2000, 2500), 300.0),
    )
    parts = []
    for hump in range(humps):
        samples = round(rng.uniform(0.15, 0.4 if humps == 1 else 0.25) * rate_hz)
        # The second syllable of an affirmation is the higher one.
        start = pitch_hz * rng.uniform(0.9, 1.05) * (1 + 0.15 * hump)
        pitch = contour(samples, start, start * rng.uniform(1, 1.2), start * rng.uniform(0.8, 1.15))
        parts.append(resonate(harmonics(rng, pitch, rate_hz, 12), rate_hz, peaks) * swell(samples))
    gap = round(rng.uniform(0.02, 0.08) * rate_hz)
    return to_pcm(in_sequence(parts, [gap] * (humps - 1)), rng.uniform(*PEAK_DBFS))


def dtmf(digits: str, rate_hz: int, tone_ms: int = 100, gap_ms: int = 100) -> Pcm:
    """The tones of these keys (ITU-T Q.23), each -9 dB of full scale, int16.

    Raises:
        KeyError: a character that is not in 0-9, A-D, * and #.
    """
    places = {key: divmod(index, 4) for index, key in enumerate(_DTMF_KEYS)}
    time_s = np.arange(rate_hz * tone_ms // 1000) / rate_hz
    gap = np.zeros(rate_hz * gap_ms // 1000)
    pieces = [gap[:0]]
    for key in digits:
        row, column = places[key]
        low, high = _DTMF_LOW_HZ[row], _DTMF_HIGH_HZ[column]
        both = np.sin(2 * np.pi * low * time_s) + np.sin(2 * np.pi * high * time_s)
        pieces += [both * 10 ** (-9 / 20) / 2, gap]
    return np.rint(np.concatenate(pieces) * 32767).astype(np.int16)


def _cough(rng: np.random.Generator, rate_hz: int) -> Wave:
    tract = [
        (rng.uniform(*hz), rng.uniform(150, 500)) for hz in ((500, 900), (1200, 1900), (2300, 3200))
    ]
    parts = []
    count = int(rng.integers(1, 4))
    for _ in range(count):
        samples = round(rng.uniform(0.18, 0.4) * rate_hz)
        breath = noise_band(rng, samples, rate_hz, 300, 6000)
        sound = breath * burst(samples, rate_hz, 0.004, rng.uniform(0.03, 0.09))
        if rng.random() < 0.6:
            start = rng.uniform(150, 400)
            voice = harmonics(
                rng, contour(samples, start, start * rng.uniform(0.6, 0.9)), rate_hz, 9
            )
            late = np.roll(swell(samples, 0.2, 0.6), round(0.04 * rate_hz))
            sound = normal(sound) + rng.uniform(0.2, 0.7) * normal(voice) * late
        parts.append((resonate(sound, rate_hz, tract) + 0.2 * sound) * rng.uniform(0.5, 1))
    gaps = [round(rng.uniform(0.05, 0.25) * rate_hz) for _ in range(count - 1)]
    return in_sequence(parts, gaps)


def _sneeze(rng: np.random.Generator, rate_hz: int) -> Wave:
    intake = round(rng.uniform(0.15, 0.4) * rate_hz)
    open_mouth = round(rng.uniform(0.1, 0.25) * rate_hz)
    blast = round(rng.uniform(0.2, 0.45) * rate_hz)
    pitch = rng.uniform(140, 380)
    vowel = resonate(
        harmonics(rng, contour(open_mouth, pitch, pitch * rng.uniform(1.1, 1.6)), rate_hz, 9),
        rate_hz,
        [(rng.uniform(600, 900), 120), (rng.uniform(1100, 1500), 150)],
    )
    hiss = noise_band(rng, blast, rate_hz, rng.uniform(900, 2000), 7000)
    voiced = harmonics(rng, contour(blast, pitch * 1.2, pitch * 0.6), rate_hz, 9)
    blown = normal(hiss) + rng.uniform(0.1, 0.8) * normal(voiced)
    return in_sequence(
        [
            rng.uniform(0.03, 0.12)
            * normal(noise_band(rng, intake, rate_hz, 500, 4000))
            * swell(intake, 0.8, 0.1),
            rng.uniform(0.3, 0.8) * normal(vowel) * swell(open_mouth),
            blown * burst(blast, rate_hz, 0.01, rng.uniform(0.06, 0.15)),
        ],
        [round(rng.uniform(0, 0.1) * rate_hz), 0],
    )


def _dog(rng: np.random.Generator, rate_hz: int) -> Wave:
    base_hz, rough = rng.uniform(180, 900), rng.uniform(0.2, 1.0)
    throat = [(base_hz * rng.uniform(1.5, 2.5), 300.0), (rng.uniform(1000, 2200), 500.0)]
    parts = []
    count = int(rng.integers(1, 5))
    for _ in range(count):
        samples = round(rng.uniform(0.1, 0.25) * rate_hz)
        top = base_hz * rng.uniform(1.1, 1.5)
        voice = harmonics(rng, contour(samples, base_hz, top, base_hz * 0.7), rate_hz, 6)
        sound = normal(voice) + rough * normal(noise_band(rng, samples, rate_hz, 300, 4000))
        parts.append(resonate(sound, rate_hz, throat) * swell(samples, 0.1, 0.6))
    return in_sequence(parts, [round(rng.uniform(0.08, 0.3) * rate_hz) for _ in range(count - 1)])


def _door(rng: np.random.Generator, rate_hz: int) -> Wave:
    samples = round(rng.uniform(0.25, 0.8) * rate_hz)
    modes = [(rng.uniform(60, 450), rng.uniform(0.03, 0.15)) for _ in range(7)]
    slam = ringing(rng, samples, rate_hz, modes)
    clap = noise_band(rng, samples, rate_hz, 80, rng.uniform(800, 3000))
    slam = normal(slam) + normal(clap * burst(samples, rate_hz, 0.002, rng.uniform(0.01, 0.05)))
    if rng.random() < 0.5:
        latch = round(0.03 * rate_hz)
        click = ringing(rng, latch, rate_hz, [(rng.uniform(1500, 3200), 0.004) for _ in range(3)])
        slam = in_sequence([0.4 * normal(click), slam], [round(rng.uniform(0.03, 0.15) * rate_hz)])
    return slam


def _baby(rng: np.random.Generator, rate_hz: int) -> Wave:
    samples = round(rng.uniform(0.5, 1.4) * rate_hz)
    base_hz = rng.uniform(350, 600)
    shape = contour(
        samples, 0.8, rng.uniform(1.05, 1.4), rng.uniform(0.9, 1.2), rng.uniform(0.7, 0.9)
    )
    time_s = np.arange(samples) / rate_hz
    shake = 1 + rng.uniform(0.01, 0.04) * np.sin(2 * np.pi * rng.uniform(5, 9) * time_s)
    voice = harmonics(rng, base_hz * shape * shake, rate_hz, rng.uniform(3, 7))
    breath = noise_band(rng, samples, rate_hz, 500, 5000)
    sound = normal(voice) + rng.uniform(0.02, 0.3) * normal(breath)
    tract = [(rng.uniform(900, 1300), 250.0), (rng.uniform(2800, 3500), 400.0)]
    return (resonate(sound, rate_hz, tract) + 0.2 * sound) * swell(samples, 0.12, 0.3)


def _rooster(rng: np.random.Generator, rate_hz: int) -> Wave:
    base_hz = rng.uniform(450, 800)
    parts = []
    for seconds, start, end in (
        (0.15, 0.9, 1.1),
        (0.12, 1.0, 1.0),
        (0.4, 1.1, 1.4),
        (0.6, 1.3, 0.8),
    ):
        samples = round(seconds * rng.uniform(0.8, 1.3) * rate_hz)
        pitch = base_hz * contour(samples, start, (start + end) / 2 * rng.uniform(1, 1.15), end)
        voice = normal(harmonics(rng, pitch, rate_hz, rng.uniform(2, 5)))
        rasp = rng.uniform(0.05, 0.4) * normal(noise_band(rng, samples, rate_hz, 800, 4000))
        parts.append((voice + rasp) * swell(samples, 0.1, 0.2))
    return in_sequence(parts, [round(rng.uniform(0.02, 0.1) * rate_hz) for _ in range(3)])


def _keyboard(rng: np.random.Generator, rate_hz: int) -> Wave:
    plate = [(rng.uniform(700, 4500), rng.uniform(0.001, 0.006)) for _ in range(6)]
    parts, gaps = [], []
    for _ in range(int(rng.integers(2, 12))):
        samples = round(0.05 * rate_hz)
        click = normal(ringing(rng, samples, rate_hz, plate))
        click += noise_band(rng, samples, rate_hz, 1000, 7000) * burst(
            samples, rate_hz, 0.001, 0.003
        )
        parts.append(click * rng.uniform(0.3, 1))
        gaps.append(round(rng.uniform(0.03, 0.2) * rate_hz))
    return in_sequence(parts, gaps[:-1])


def _knock(rng: np.random.Generator, rate_hz: int) -> Wave:
    wood = [(rng.uniform(90, 700), rng.uniform(0.01, 0.05)) for _ in range(5)]
    samples = round(rng.uniform(0.12, 0.2) * rate_hz)
    count, pace_s = int(rng.integers(1, 6)), rng.uniform(0.03, 0.2)
    parts = []
    for _ in range(count):
        tap = noise_band(rng, samples, rate_hz, 200, 3000) * burst(samples, rate_hz, 0.001, 0.004)
        parts.append((normal(ringing(rng, samples, rate_hz, wood)) + tap) * rng.uniform(0.6, 1))
    return in_sequence(parts, [round(pace_s * rng.uniform(0.8, 1.2) * rate_hz)] * (count - 1))


_MAKERS: Final[Mapping[EventKind, Callable[[np.random.Generator, int], Wave]]] = {
    "cough": _cough,
    "sneeze": _sneeze,
    "dog": _dog,
    "door": _door,
    "baby": _baby,
    "rooster": _rooster,
    "keyboard": _keyboard,
    "knock": _knock,
}
