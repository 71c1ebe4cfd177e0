"""A clause whose audio arrives in pieces: `Speech` parts with word times and an even level."""

from typing import Final

import numpy as np

from media_pod.providers.ports import FailureKind, Pcm, ProviderError, Speech, Word
from media_pod.providers.tts.level import (
    ACTIVE_LEVEL_DBFS,
    FRAME_MS,
    PEAK_DBFS,
    Samples,
    active_frames,
    amplitude,
    audible,
    frame_power,
    frame_samples,
)
from media_pod.providers.tts.pcm_stream import PcmStream
from media_pod.providers.tts.spoken_words import spoken_words, total_letters, word_times
from media_pod.providers.tts.voice_profile import VoiceProfile, bounded_gain

MAX_CLAUSE_S: Final = 120
"""A clause has at most 400 characters, about 30 s. More audio is a server that does not end."""
LEAD_MS: Final = 100
"""Silence that is kept before the first sound. The caller would wait for what is trimmed."""
PROBE_MS: Final = 200
"""Sound from which the level of a voice is estimated before its first clause is finished."""

_QUIET_DBFS: Final = ACTIVE_LEVEL_DBFS - 34
"""Limit of the silence before the first sound. A softer beginning lies within `LEAD_MS`."""
_KNEE_DBFS: Final = -3.0
"""Above it, peaks are compressed so that none exceeds `PEAK_DBFS`."""


class StreamedClause:
    """Audio of one clause, in; parts of its speech, out.

    Until the clause is finished, word times assume the speaking rate of `profile`; `finish` fits
    them to the sound. The gain is held within the clause. What comes out does not depend on how the
    bytes were split.

    Args:
        text: the clause.
        source_rate_hz: sample rate of the bytes; that of a WAV header replaces it.
        rate_hz: sample rate of the speech.
        profile: of the voice; `finish` adds this clause to it.
    """

    def __init__(self, text: str, source_rate_hz: int, rate_hz: int, profile: VoiceProfile) -> None:
        self._text = text
        self._words = spoken_words(text)
        self._rate_hz = rate_hz
        self._frame = frame_samples(rate_hz)
        self._profile = profile
        self._gain = profile.gain
        self._stream = PcmStream(source_rate_hz, rate_hz)
        self._powers: list[float] = []
        self._unframed: Samples = np.empty(0, np.float32)
        self._held: Samples = np.empty(0, np.float32)
        self._trimmed = 0
        self._sound_frame: int | None = None
        self._searched = 0
        self._sent = 0

    def feed(self, data: bytes) -> Speech | None:
        """Add 16-bit little-endian mono PCM, cut anywhere, with or without a WAV header in front.

        Returns:
            The next part, or None while there is nothing to play.

        Raises:
            ProviderError: a WAV header of another format, or more than `MAX_CLAUSE_S` of audio.
        """
        self._add(self._stream.feed(data))
        ready = self._ready(last=False)
        return self._part(ready, last=False) if ready.size else None

    def finish(self) -> Speech | None:
        """The audio is complete: its last part with the final word times, perhaps without audio.

        Returns:
            None if there was no sound in the whole clause.

        Raises:
            ProviderError: as `feed`.
        """
        self._add(self._stream.finish())
        if self._unframed.size:
            self._powers += frame_power(self._unframed, self._rate_hz).tolist()
        ready = self._ready(last=True)
        return None if self._sound_frame is None else self._part(ready, last=True)

    def _add(self, samples: Samples) -> None:
        self._held = np.concatenate([self._held, samples])
        unframed = np.concatenate([self._unframed, samples])
        whole = unframed.size // self._frame * self._frame
        self._powers += frame_power(unframed[:whole], self._rate_hz).tolist()
        self._unframed = unframed[whole:]
        if len(self._powers) * FRAME_MS > MAX_CLAUSE_S * 1000:
            raise ProviderError(
                f"more than {MAX_CLAUSE_S} s of audio for a text of {len(self._text)} characters",
                FailureKind.BAD_ANSWER,
            )

    def _ready(self, last: bool) -> Samples:
        """Take what can be played, from `LEAD_MS` before the first sound, if the gain is known."""
        if self._sound_frame is None:
            self._find_sound()
        if self._sound_frame is None:
            return np.empty(0, np.float32)
        if self._gain is None:
            probe = self._powers[self._sound_frame :][: PROBE_MS // FRAME_MS]
            if len(probe) * FRAME_MS < PROBE_MS and not last:
                return np.empty(0, np.float32)
            active = active_frames(np.asarray(probe, np.float32))
            self._gain = bounded_gain(float(active.mean()))
        ready, self._held = self._held, np.empty(0, np.float32)
        return ready

    def _find_sound(self) -> None:
        threshold = (amplitude(_QUIET_DBFS) / (self._gain or 1.0)) ** 2
        loud = np.flatnonzero(np.asarray(self._powers[self._searched :]) > threshold)
        if loud.size:
            self._sound_frame = self._searched + int(loud[0])
        self._searched = len(self._powers) if self._sound_frame is None else self._sound_frame
        cut = max(0, self._searched * self._frame - self._rate_hz * LEAD_MS // 1000)
        self._held = self._held[cut - self._trimmed :]
        self._trimmed = cut

    def _part(self, samples: Samples, last: bool) -> Speech:
        first = not self._sent
        self._sent += samples.size
        words = self._final_words() if last else self._running_words()
        pcm = _limited(samples * np.float32(self._gain))
        return Speech(self._text if first else "", pcm, words, continues=not first)

    def _running_words(self) -> tuple[Word, ...]:
        start = (self._sound_frame or 0) * self._frame - self._trimmed
        expected_ms = total_letters(self._words) * self._profile.ms_per_letter
        expected = round(expected_ms * self._rate_hz / 1000)
        # A clause that lasts longer than expected is not over: its last word ends at its end.
        return word_times(self._words, start, max(start + expected, self._sent))

    def _final_words(self) -> tuple[Word, ...]:
        powers = np.asarray(self._powers, np.float32)
        sound = np.flatnonzero(audible(powers))
        start = max(0, int(sound[0]) * self._frame - self._trimmed)
        end = min(self._sent, (int(sound[-1]) + 1) * self._frame - self._trimmed)
        self._profile.learn_level(active_frames(powers))
        if letters := total_letters(self._words):
            self._profile.learn_rate(letters, (end - start) * 1000 / self._rate_hz)
        return word_times(self._words, start, end)


def _limited(samples: Samples) -> Pcm:
    """As int16, peaks above `_KNEE_DBFS` bent towards `PEAK_DBFS`; depends on no other sample."""
    knee = amplitude(_KNEE_DBFS)
    room = amplitude(PEAK_DBFS) - knee
    size = np.abs(samples)
    bent = knee + room * np.tanh((size - knee) / room)
    pcm: Pcm = np.rint(np.where(size > knee, np.copysign(bent, samples), samples)).astype(np.int16)
    return pcm
