"""Endpointing: which of a caller's audio belongs to a turn, from the onset to the final silence."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from media_pod.duplex.contract import TICK_MS, Decision
from media_pod.providers.ports import Pcm

SPEECH: Final = 0.5
"""Silero's probability above which speech began."""
STILL_SPEECH: Final = 0.35
"""And below which it has stopped: the hysteresis of Silero's own iterator."""
LONGEST_ONSET_MS: Final = 2000
"""How long before the decision an onset can lie; a protected greeting delays it by 1.5 s."""


FIRST_SPEECH_MS: Final = 3000
"""Speech that begins so soon after the connection may be kept from before the bank's onset: later
it has found the echo, or there is none and the onset is in time."""
_BRIDGED_TICKS: Final = 15
"""300 ms: a pause inside a phrase, as the bank's hangover."""


class PreRoll:
    """The caller's last seconds, and where in them the onset lies.

    The onset is the bank's. While the echo of a line has not been found, the bank may hold its
    decision back for 2 s, because speech may be echo; what is kept then begins with that speech.
    """

    def __init__(self, before_onset_ms: int, rate_hz: int) -> None:
        self._before_samples = before_onset_ms * rate_hz // 1000
        self._tick_samples = rate_hz * TICK_MS // 1000
        longest_ms = before_onset_ms + LONGEST_ONSET_MS
        self._recent: deque[Pcm] = deque(maxlen=-(-longest_ms // TICK_MS))
        self._since_onset = 0
        self._ticks = 0
        self._since_speech = 0
        """Since the caller's side began to speak, where that may count."""
        self._pause = 0

    def push(
        self, audio: Pcm, decision: Decision, speech: float = 0.0, *, line_learned: bool = True
    ) -> None:
        """Take one tick of the caller's audio.

        Args:
            audio: int16 [samples], echo removed.
            decision: the bank's.
            speech: Silero's probability.
            line_learned: the bank knows the echo of this line.
        """
        self._recent.append(audio)
        self._since_onset = 0 if decision is Decision.NONE else self._since_onset + 1
        self._follow(speech, line_learned)

    def _follow(self, speech: float, line_learned: bool) -> None:
        self._ticks += 1
        self._pause = 0 if speech >= STILL_SPEECH else self._pause + 1
        if line_learned or self._pause > _BRIDGED_TICKS:
            self._since_speech = 0
        elif self._since_speech:
            self._since_speech += 1
        elif speech >= SPEECH and self._ticks * TICK_MS <= FIRST_SPEECH_MS:
            self._since_speech = 1

    def clear(self) -> None:
        """What was pushed so far belongs to a turn that is over."""
        self._recent.clear()
        self._since_onset = self._since_speech = 0

    @property
    def since_onset_ms(self) -> int:
        """How long ago the onset was; 0 without one."""
        return self._since_onset * TICK_MS

    def audio(self) -> Pcm:
        """From `before_onset_ms` before the onset up to now, as far as it was not cleared."""
        audio = np.concatenate([_NOTHING, *self._recent])
        since = max(self._since_onset, self._since_speech)
        wanted = since * self._tick_samples + self._before_samples
        return audio[max(audio.size - wanted, 0) :]


_NOTHING: Final = np.zeros(0, np.int16)


@dataclass(slots=True)
class TurnEnd:
    """When a caller's turn is over.

    - A spoken turn: `end_silence_ms` of silence after it began, which the words so far may change
      (`dialogues.turn_taking`), or `max_utterance_ms` in all.
    - A turn of digits: so long after the last digit as `open` was told, with speech or without.
    - A turn that is not open and has been silent for `no_input_ms` will not be one.

    `open` begins a turn.
    """

    end_silence_ms: int
    max_utterance_ms: int
    no_input_ms: int
    early_ms: int = 0
    """Silence after which a spoken turn is likely over; 0 if nobody asks."""
    _open_ticks: int = 0
    """Since the turn began, or since the last digit."""
    _quiet_ticks: int = 0
    _is_open: bool = False
    _early_taken: bool = False
    """`likely_over` was true in this pause."""
    _gap_ms: int = 0
    """After the last digit; 0 for a turn without digits."""

    @property
    def is_open(self) -> bool:
        """The caller has the turn."""
        return self._is_open

    def open(self, *, gap_ms: int = 0) -> None:
        """The caller speaks or sends a digit; a turn that is open goes on.

        Args:
            gap_ms: of a digit: how long after it the turn is over, unless another one comes.
        """
        if gap_ms or not self._is_open:
            self._open_ticks = 0
            self._gap_ms = gap_ms
        self._is_open = True
        self._quiet_ticks = 0

    def close(self) -> None:
        """The turn is over, or the bot has it."""
        self._is_open = False
        self._quiet_ticks = 0

    def step(self, speech: float) -> bool:
        """One tick with Silero's probability; true when the open turn is over."""
        self._quiet_ticks = 0 if speech >= STILL_SPEECH else self._quiet_ticks + 1
        if not self._quiet_ticks:
            self._early_taken = False
        if not self._is_open:
            return False
        self._open_ticks += 1
        open_ms = self._open_ticks * TICK_MS
        if self._gap_ms:
            return open_ms >= self._gap_ms
        return (
            self._quiet_ticks * TICK_MS >= self.end_silence_ms or open_ms >= self.max_utterance_ms
        )

    def likely_over(self) -> bool:
        """The open turn has been silent for `early_ms`; true once in a pause."""
        quiet = self._is_open and not self._gap_ms and self._quiet_ticks * TICK_MS >= self.early_ms
        if not self.early_ms or not quiet or self._early_taken:
            return False
        self._early_taken = True
        return True

    @property
    def no_input(self) -> bool:
        """The caller has been silent for `no_input_ms`; to be asked while the bot is silent."""
        return not self._is_open and self._quiet_ticks * TICK_MS >= self.no_input_ms
