"""What is known of a voice from the clauses that it has spoken: its speaking rate and its level."""

from typing import Final

from media_pod.providers.tts.level import FRAME_MS, Samples, amplitude, gain_of

TYPICAL_MS_PER_LETTER: Final = 62.0
"""175 words per minute of 4.5 letters and a blank, before a voice has been measured."""
MAX_GAIN_DB: Final = 30.0
"""Voices differ by 20 dB; what is further off is noise, or not speech."""
_MEMORY_LETTERS: Final = 400
_MEMORY_FRAMES: Final = 20_000 // FRAME_MS
"""Averages go over about the last 20 s of speech: enough to be steady, and a server that changes
its voice is followed within a few sentences."""


class VoiceProfile:
    """Averages of one voice over the clauses that are finished; all calls of a pod can share it."""

    def __init__(self) -> None:
        self._ms_per_letter = TYPICAL_MS_PER_LETTER
        self._letters = 0
        self._active_power = 0.0
        self._frames = 0

    @property
    def ms_per_letter(self) -> float:
        """Duration of a letter or a blank; `TYPICAL_MS_PER_LETTER` before the first clause."""
        return self._ms_per_letter

    @property
    def gain(self) -> float | None:
        """The factor that brings the voice to the level of all voices; None before the first
        clause."""
        return bounded_gain(self._active_power) if self._frames else None

    def learn_rate(self, letters: int, duration_ms: float) -> None:
        """Add a clause of so many letters and blanks, above 0."""
        self._letters = min(_MEMORY_LETTERS, self._letters + letters)
        share = min(1.0, letters / self._letters)
        self._ms_per_letter += (duration_ms / letters - self._ms_per_letter) * share

    def learn_level(self, active: Samples) -> None:
        """Add the power of a clause's active frames, one of them at least."""
        self._frames = min(_MEMORY_FRAMES, self._frames + active.size)
        share = min(1.0, active.size / self._frames)
        self._active_power += (float(active.mean()) - self._active_power) * share


def bounded_gain(active_power: float) -> float:
    """As `level.gain_of`, `MAX_GAIN_DB` up or down at most."""
    most = amplitude(MAX_GAIN_DB) / amplitude(0)
    return min(most, max(1 / most, gain_of(active_power)))
