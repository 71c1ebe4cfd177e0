"""Capture: the recognizer receives each of the caller's samples once, in the turn it belongs to.

the caller begins        a recognition opens, from before the onset (`PreRoll`)
the caller is done       the recognition is taken, to be finished
the caller goes on       a new one opens with all of the turn's audio, unless the bot has
                         answered meanwhile
"""

from typing import Final

import numpy as np

from media_pod.call.endpointing import PreRoll
from media_pod.duplex.contract import Decision
from media_pod.providers.ports import Pcm
from media_pod.providers.recognition import Recognition, SttChain

_TURNS_KEPT: Final = 2
"""A recognition holds the earlier parts of the turn, cut to the length of one, and a new one."""


class Capture:
    """The caller's audio of one call, on its way to the recognizer.

    Args:
        stt: the recognizers.
        pre_roll: what was heard lately.
        max_samples: most of the audio before the onset, earlier parts of the turn included; the
            oldest is left out.
    """

    def __init__(self, stt: SttChain, pre_roll: PreRoll, max_samples: int) -> None:
        self._stt = stt
        self._pre_roll = pre_roll
        self._max_samples = max_samples
        self._recognition: Recognition | None = None
        self._taken: Recognition | None = None
        # As long as two turns at most: the earlier parts were cut to the length of one.
        self._unanswered: list[Pcm] = []

    @property
    def partial(self) -> str:
        """The words of the open turn so far; "" if the recognizer has none before the end."""
        return "" if self._recognition is None else self._recognition.partial

    @property
    def unanswered(self) -> bool:
        """Something was heard that the bot has not answered."""
        return bool(self._unanswered)

    def push(
        self, audio: Pcm, decision: Decision, speech: float = 0.0, *, line_learned: bool = True
    ) -> None:
        """Take one tick of the caller's audio; see `PreRoll.push`."""
        self._pre_roll.push(audio, decision, speech, line_learned=line_learned)
        if self._recognition is not None:
            # A copy, because `audio` is one row of an array that holds the audio of all calls.
            self._feed(audio.copy())

    def open(self) -> None:
        """The caller speaks: begin an utterance, or go on with the one that is open."""
        if self._recognition is not None:
            return
        earlier = np.concatenate([*self._unanswered, self._pre_roll.audio()])
        self._unanswered.clear()
        self._recognition = Recognition(self._stt, _TURNS_KEPT * self._max_samples)
        self._feed(earlier[-self._max_samples :])

    def take(self) -> Recognition | None:
        """The caller's turn is over: what is to be recognized, None if nothing was said."""
        self._taken, self._recognition = self._recognition, None
        if self._taken is not None:
            self._pre_roll.clear()
        return self._taken

    def drop_taken(self) -> None:
        """What was taken is not to be recognized any more; it may still go on."""
        if self._taken is not None:
            self._taken.discard()
            self._taken = None

    def answered(self) -> None:
        """The bot has answered: speech from now on belongs to the next turn."""
        self._unanswered.clear()

    def discard(self) -> None:
        """Drop what was said; it is not recognized."""
        if self._recognition is not None:
            self._recognition.discard()
            self._recognition = None
        self.drop_taken()

    def _feed(self, audio: Pcm) -> None:
        assert self._recognition is not None
        self._unanswered.append(audio)
        self._recognition.feed(audio)
