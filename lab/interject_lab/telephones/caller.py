"""The simulated caller: plays utterances at their cues.

A caller works through its plan in order; an utterance waits for its cue once the one before it has
ended. The caller hears the bot as people do: a pause of up to 300 ms inside the bot's speech is
not the end of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import Spoken
from interject_lab.network.levels import BOT_PAUSE_MS, speech_bounds
from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]


class Cue(Enum):
    """The condition for an utterance to start, with a time in s."""

    AT = "at"
    """The time of the call."""
    BOT_SPEAKING = "bot_speaking"
    """How long the bot has spoken without a pause since the previous utterance."""
    BOT_SILENT = "bot_silent"
    """How long the bot has been silent, after it has spoken since the previous utterance."""


@dataclass(frozen=True, slots=True, eq=False)
class PlannedUtterance:
    """Speech that the caller will play."""

    label: str
    pcm: Pcm
    """int16 [samples] at the line's rate and at its final level."""
    cue: Cue
    cue_s: float


class TelephoneUser(Protocol):
    """Who holds a telephone. It does no I/O; its time is its count of ticks."""

    @property
    def spoken(self) -> tuple[Spoken, ...]:
        """What has been begun so far, in order."""

    @property
    def keys(self) -> str:
        """The DTMF digits that are pressed in the latest tick, in order."""

    @property
    def hangs_up(self) -> bool:
        """The call ends after the latest tick."""

    def step(self, bot_is_speaking: bool) -> Pcm:
        """The user's own sound in this tick, int16 [tick].

        `bot_is_speaking` says whether there is sound from the bot in this tick.
        """


class Caller:
    """A caller with a plan, a `TelephoneUser`. It does no I/O; its time is its count of ticks."""

    def __init__(self, plan: Sequence[PlannedUtterance], rate_hz: int) -> None:
        self._plan = tuple(plan)
        self._rate_hz = rate_hz
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._bounds = [speech_bounds(utterance.pcm, rate_hz) for utterance in self._plan]
        self._next = 0
        self._said: int | None = None
        """Samples of the current utterance already said; None while waiting."""
        self._ticks = 0
        self._bot_ticks = 0
        """How long the bot has spoken without a pause."""
        self._silent_ticks = 0
        self._since_turn_ticks = 0
        self._bot_spoke_in_turn = False
        self._spoken: list[Spoken] = []

    @property
    def spoken(self) -> tuple[Spoken, ...]:
        """What has been begun so far, in order."""
        return tuple(self._spoken)

    @property
    def done(self) -> bool:
        """The whole plan has been said."""
        return self._next == len(self._plan)

    @property
    def saying(self) -> int | None:
        """Place in the plan of the utterance that goes on; None while the caller is silent."""
        return None if self._said is None else self._next

    @property
    def keys(self) -> str:
        """See `TelephoneUser.keys`: its telephone presses them at fixed times."""
        return ""

    @property
    def hangs_up(self) -> bool:
        """See `TelephoneUser.hangs_up`: its telephone does at a fixed time."""
        return False

    def step(self, bot_is_speaking: bool) -> Pcm:
        """The caller's own sound in this tick, int16 [tick].

        `bot_is_speaking` says whether there is sound from the bot in this tick.
        """
        self._listen(bot_is_speaking)
        if not self.done and self._said is None and self._cued(self._plan[self._next]):
            self._said = 0
        frame = self._speak()
        self._ticks += 1
        return frame

    def _listen(self, bot_is_speaking: bool) -> None:
        self._since_turn_ticks += 1
        self._silent_ticks = 0 if bot_is_speaking else self._silent_ticks + 1
        if bot_is_speaking:
            self._bot_spoke_in_turn = True
        if bot_is_speaking or self._bot_ticks:
            self._bot_ticks += 1
        if self._silent_ticks * TICK_MS > BOT_PAUSE_MS:
            self._bot_ticks = 0

    def _cued(self, utterance: PlannedUtterance) -> bool:
        ticks = round(utterance.cue_s * 1000 / TICK_MS)
        if utterance.cue is Cue.AT:
            return self._ticks >= ticks
        if utterance.cue is Cue.BOT_SPEAKING:
            return self._silent_ticks == 0 and min(self._bot_ticks, self._since_turn_ticks) > ticks
        return self._bot_spoke_in_turn and self._silent_ticks > ticks

    def _speak(self) -> Pcm:
        frame = np.zeros(self._tick_samples, np.int16)
        if self._said is None:
            return frame
        utterance = self._plan[self._next]
        part = utterance.pcm[self._said : self._said + frame.size]
        frame[: part.size] = part
        self._note_onset(utterance, self._said)
        self._said += frame.size
        if self._said >= utterance.pcm.size:
            self._next, self._said = self._next + 1, None
            self._since_turn_ticks, self._bot_spoke_in_turn = 0, False
        return frame

    def _note_onset(self, utterance: PlannedUtterance, said: int) -> None:
        onset, end = self._bounds[self._next]
        if end > 0 and said <= onset < said + self._tick_samples:
            start = self._ticks * self._tick_samples - said
            interrupts = self._bot_ticks > 0
            self._spoken.append(
                Spoken(utterance.label, start + onset, start + end, interrupts, self._next)
            )
