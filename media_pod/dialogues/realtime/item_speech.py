"""The speech of one item of a model: its audio and its transcript, which come side by side."""

from array import array
from collections import deque

import numpy as np
from numpy.typing import NDArray

from media_pod.dialogues.realtime.audio_format import AudioFormat, BotAudio
from media_pod.dialogues.realtime.growing_words import GrowingWords
from media_pod.dialogues.realtime.word_fit import fitted_times, pauses
from media_pod.providers.ports import Pcm, Speech, Word
from media_pod.providers.tts.level import audible, frame_power, frame_samples
from media_pod.providers.tts.spoken_words import total_letters
from media_pod.providers.tts.voice_profile import VoiceProfile


class ItemSpeech:
    """Bytes and text in, in any order; parts of its speech out.

    All of its audio is kept until it is taken: the owner bounds it.

    Args:
        audio_format: of the bytes.
        rate_hz: of the line.
        profile: of the voice; an item that is complete is added to it.
    """

    def __init__(self, audio_format: AudioFormat, rate_hz: int, profile: VoiceProfile) -> None:
        self._audio = BotAudio(audio_format, rate_hz)
        self._rate_hz = rate_hz
        self._frame = frame_samples(rate_hz)
        self._profile = profile
        self._transcript = GrowingWords()
        self._text_ended = False
        self._waiting: deque[Pcm] = deque()
        self._waiting_samples = 0
        self._powers = array("f")
        self._unframed = np.zeros(0, np.float32)
        self._taken = False
        self._ended = False
        self.samples = 0
        """Of its audio so far, at the line's rate."""

    @property
    def text(self) -> str:
        """Its transcript so far."""
        return self._transcript.text

    @property
    def waiting_samples(self) -> int:
        """Audio that has not been taken."""
        return self._waiting_samples

    @property
    def ended(self) -> bool:
        """Its audio is complete."""
        return self._ended

    def add_text(self, delta: str) -> None:
        """The transcript goes on."""
        self._transcript.add(delta)

    def set_text(self, text: str) -> None:
        """The whole transcript."""
        before = self._transcript.text
        if not text.startswith(before):
            self._transcript, before = GrowingWords(), ""
        self._transcript.add(text.removeprefix(before))
        self._text_ended = True

    def add_audio(self, data: bytes) -> None:
        """The audio goes on, unless it has ended.

        Raises:
            ProviderError: it has a header of another format.
        """
        if not self._ended:
            self._add(self._audio.feed(data))

    def end(self) -> None:
        """The audio is complete; later calls have no effect."""
        if not self._ended:
            self._add(self._audio.finish())
            self._ended = True
            self._learn()

    def take(self, most_samples: int) -> Speech:
        """The next part, at most so long: perhaps without audio, but with the latest word times."""
        taken: list[Pcm] = []
        room = most_samples
        while self._waiting and room:
            piece = self._waiting.popleft()
            if piece.size > room:
                self._waiting.appendleft(piece[room:])
                piece = piece[:room]
            taken.append(piece)
            room -= piece.size
        pcm = np.concatenate(taken) if taken else np.zeros(0, np.int16)
        self._waiting_samples -= pcm.size
        first, self._taken = not self._taken, True
        return Speech(self.text if first else "", pcm, self._words(), continues=not first)

    def truncation_ms(self, heard_samples: int) -> int:
        """Where to cut it so that so many samples remain: never above its length.

        Rounded down, because what was cut in the middle of a millisecond was not heard whole.
        """
        return min(heard_samples * 1000 // self._rate_hz, self._audio.duration_ms)

    def _add(self, pcm: Pcm) -> None:
        if not pcm.size:
            return
        self.samples += pcm.size
        self._waiting.append(pcm)
        self._waiting_samples += pcm.size
        unframed = np.concatenate([self._unframed, pcm.astype(np.float32)])
        whole = unframed.size // self._frame * self._frame
        self._powers.frombytes(frame_power(unframed[:whole], self._rate_hz).tobytes())
        self._unframed = unframed[whole:]

    def _words(self) -> tuple[Word, ...]:
        words = self._transcript.words
        if not words:
            return ()
        sounds = self._sounds()
        sound = np.flatnonzero(sounds)
        first, last = (int(sound[0]), int(sound[-1]) + 1) if sound.size else (0, 0)
        start, end = first * self._frame, last * self._frame
        if not self._ended:
            # What is there may be a part of it, or its transcript may lag behind.
            expected_ms = total_letters(words) * self._profile.ms_per_letter
            expected = start + round(expected_ms * self._rate_hz / 1000)
            end = max(expected, end) if self._text_ended else expected
        return fitted_times(words, start, end, pauses(sounds, self._frame), self._rate_hz)

    def _learn(self) -> None:
        letters = total_letters(self._transcript.words)
        sound = np.flatnonzero(self._sounds())
        if letters and sound.size:
            frames = int(sound[-1] - sound[0]) + 1
            self._profile.learn_rate(letters, frames * self._frame * 1000 / self._rate_hz)

    def _sounds(self) -> NDArray[np.bool_]:
        return audible(np.array(self._powers, np.float32))
