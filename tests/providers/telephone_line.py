"""A telephone line for recognizers, and the errors that they make on it."""

import numpy as np

from media_pod.providers.ports import Pcm


def over_the_line(speech: Pcm) -> Pcm:
    """Speech at 8 kHz through 8-bit mu-law, with 0.2 s of line noise before and after."""
    noise = np.random.default_rng(1).normal(scale=30, size=speech.size + 3200)
    noise[1600:-1600] += speech
    line = np.clip(noise / 32768, -1, 1)
    code = np.round(np.sign(line) * np.log1p(255 * np.abs(line)) / np.log(256) * 127) / 127
    expanded = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    pcm: Pcm = np.clip(expanded * 32768, -32768, 32767).astype(np.int16)
    return pcm


def edits(one: list[str], other: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(other) + 1))
    for i, word in enumerate(one, 1):
        above, row = row, [i]
        for j, expected in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != expected)))
    return row[-1]
