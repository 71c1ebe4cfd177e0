"""A turn of a pipeline as speech: its audio in parts, with words whose times become better."""

from media_pod.providers.ports import Pcm, Speech, Word
from media_pod.providers.tts.spoken_words import spoken_words, total_letters, word_times
from media_pod.providers.tts.voice_profile import TYPICAL_MS_PER_LETTER


class TurnSpeech:
    """The texts and the audio of one turn.

    Args:
        rate_hz: of the audio.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._texts: dict[int, tuple[Word, ...]] = {}
        self._words: tuple[Word, ...] = ()
        self._begun = False

    def place(self, number: int, text: str, start: int, end: int) -> None:
        """A text of the turn, and where it is said: samples from the turn's start.

        A text whose audio has not come has no length; one is assumed.
        """
        words = spoken_words(text)
        if end <= start:
            expected_ms = total_letters(words) * TYPICAL_MS_PER_LETTER
            end = start + round(expected_ms * self._rate_hz / 1000)
        self._texts[number] = word_times(words, start, end) if words else ()
        self._words = tuple(word for each in self._texts.values() for word in each)

    def begin_parts(self) -> None:
        """The next part begins a text."""
        self._begun = False

    def part(self, pcm: Pcm) -> Speech:
        """The next part of the turn."""
        begun, self._begun = self._begun, True
        return Speech("", pcm, self._words, continues=begun)
