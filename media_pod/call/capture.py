"""Capture: the recognizer receives each of the caller's samples once, in the turn it belongs to.

    the caller begins        an utterance opens, from before the onset (`PreRoll`)
    the caller is done       the utterance is taken, to be recognized
    the caller goes on       a new one opens with all of the turn's audio, unless the bot has
                             answered meanwhile

A recognizer that fails while it listens must not disturb the tick: its error is kept, and the
utterance's `finish` raises it.
"""

import logging
from collections.abc import Callable

import numpy as np

from media_pod.call.endpointing import PreRoll
from media_pod.duplex.contract import Decision
from media_pod.providers.ports import Pcm, ProviderError, Stt, Utterance

_logger = logging.getLogger(__name__)


class Capture:
    """The caller's audio of one call, on its way to the recognizer.

    Args:
        stt: the recognizer.
        pre_roll: what was heard lately.
        max_samples: most of the audio before the onset, earlier parts of the turn included; the
            oldest is left out.
    """

    def __init__(self, stt: Stt, pre_roll: PreRoll, max_samples: int) -> None:
        self._stt = stt
        self._pre_roll = pre_roll
        self._max_samples = max_samples
        self._utterance: Utterance | None = None
        self._taken: Utterance | None = None
        # As long as two turns at most: the earlier parts were cut to the length of one.
        self._unanswered: list[Pcm] = []

    @property
    def unanswered(self) -> bool:
        """Something was heard that the bot has not answered."""
        return bool(self._unanswered)

    def push(self, audio: Pcm, decision: Decision) -> None:
        """Take one tick of the caller's audio."""
        self._pre_roll.push(audio, decision)
        if self._utterance is not None:
            # A copy, because `audio` is one row of an array that holds the audio of all calls.
            self._feed(audio.copy())

    def open(self) -> None:
        """The caller speaks: begin an utterance, or go on with the one that is open."""
        if self._utterance is not None:
            return
        earlier = np.concatenate([*self._unanswered, self._pre_roll.audio()])
        self._unanswered.clear()
        try:
            self._utterance = self._stt.listen()
        except Exception as error:  # the edge at which a recognizer's bug stops
            self._utterance = _Failed(error)
        self._feed(earlier[-self._max_samples :])

    def take(self) -> Utterance | None:
        """The caller's turn is over: what is to be recognized, None if nothing was said."""
        self._taken, self._utterance = self._utterance, None
        if self._taken is not None:
            self._pre_roll.clear()
        return self._taken

    def drop_taken(self) -> None:
        """What was taken is not to be recognized any more; it may still go on."""
        if self._taken is not None:
            self._attempt(self._taken.discard)
            self._taken = None

    def answered(self) -> None:
        """The bot has answered: speech from now on belongs to the next turn."""
        self._unanswered.clear()

    def discard(self) -> None:
        """Drop what was said; it is not recognized."""
        if self._utterance is not None:
            self._attempt(self._utterance.discard)
            self._utterance = None
        self.drop_taken()

    def _feed(self, audio: Pcm) -> None:
        utterance = self._utterance
        assert utterance is not None
        self._unanswered.append(audio)
        error = self._attempt(lambda: utterance.feed(audio))
        if error is not None:
            self._utterance = _Failed(error)

    @staticmethod
    def _attempt(action: Callable[[], None]) -> Exception | None:
        try:
            action()
        except Exception as error:  # the edge at which a recognizer's bug stops
            return error
        return None


class _Failed:
    """Stands for an utterance whose recognizer failed while it listened."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        _logger.error("the recognizer failed while it listened", exc_info=error)

    def feed(self, pcm: Pcm) -> None:
        """Drop it."""

    async def finish(self) -> str:
        """Raise the error."""
        raise ProviderError(f"recognition: {self._error}") from self._error

    def discard(self) -> None:
        """There is nothing to drop."""
