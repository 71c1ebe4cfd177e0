"""The bot of the lab's calls: it says a list, ducks on doubt and fades out at a stop as a pod does.

Written apart from the pod's playout, which the lab measures; a test holds the two to the same
samples.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from media_pod.duplex.contract import TICK_MS, Decision, Pcm

DUCK_DB: Final = 15.0
"""How far the bot lowers its voice on doubt, as a pod's playout does."""
_DOWN_MS: Final = 10.0
_UP_MS: Final = 200.0
_FADE_MS: Final = 10
"""Of a stop: half a raised cosine."""


class Duck:
    """The gain of the bot's voice: down by `DUCK_DB` in 10 ms, up again in 200 ms."""

    def __init__(self, rate_hz: int) -> None:
        self._down_db = DUCK_DB / (_DOWN_MS * rate_hz / 1000)
        self._up_db = DUCK_DB / (_UP_MS * rate_hz / 1000)
        self._gain_db = 0.0
        self.on = False

    def __call__(self, frame: Pcm) -> Pcm:
        """`frame`, int16 [samples], with the gain."""
        if not self.on and self._gain_db == 0:
            return frame
        steps = np.arange(1, frame.size + 1)
        moved = -self._down_db * steps if self.on else self._up_db * steps
        gains_db = np.clip(self._gain_db + moved, -DUCK_DB, 0)
        self._gain_db = float(gains_db[-1])
        ducked: Pcm = np.rint(frame * 10 ** (gains_db / 20)).astype(np.int16)
        return ducked


class ScriptedBot:
    """Says its utterances in turn, over and over; falls silent when the bank says CALLER.

    A stop takes effect with the next tick, in which the bot fades out, and so does a duck while the
    bank says ONSET. The bot goes on with its *next* utterance once `pause_s` has passed since it
    fell silent and the bank has said CALLER for none of the last `quiet_s`.
    """

    def __init__(
        self,
        utterances: Sequence[Pcm],
        rate_hz: int,
        *,
        start_s: float = 0.5,
        pause_s: float = 1.5,
        quiet_s: float = 1.0,
    ) -> None:
        self._utterances = tuple(utterances)
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._pause_ticks = round(pause_s * 1000 / TICK_MS)
        self._quiet_ticks = round(quiet_s * 1000 / TICK_MS)
        self._index = 0
        self._said: int | None = None
        """Samples of the current utterance already played; None while silent."""
        self._silent_ticks = self._pause_ticks - round(start_s * 1000 / TICK_MS)
        self._since_caller_ticks = self._quiet_ticks
        self._ticks = 0
        self._caller = False
        self._duck = Duck(rate_hz)
        samples = rate_hz * _FADE_MS // 1000
        self._fade = (1 + np.cos(np.pi * (np.arange(samples) + 0.5) / samples)) / 2
        self._fading: Pcm | None = None
        """The next frame, after a stop."""
        self._stop_samples: list[int] = []

    @property
    def stop_samples(self) -> tuple[int, ...]:
        """Where in the played stream the bot was cut short: the first sample of each fade."""
        return tuple(self._stop_samples)

    def frame(self) -> Pcm:
        """What leaves for the caller in this tick, int16 [tick]."""
        if self._said is None and self._may_start():
            self._said = 0
        self._ticks += 1
        if self._said is None:
            self._silent_ticks += 1
            fading, self._fading = self._fading, None
            return self._duck(self._padded(())) if fading is None else fading
        frame = self._padded(self._coming(self._tick_samples))
        self._said += frame.size
        if self._said >= self._utterances[self._index].size:
            self._fall_silent()
        return self._duck(frame)

    def decide(self, decision: Decision) -> None:
        """Take the bank's decision of this tick; its rise to CALLER stops the bot."""
        caller = decision is Decision.CALLER
        if caller and not self._caller and self._said is not None:
            self._stop_samples.append(self._ticks * self._tick_samples)
            self._fading = self._faded_out()
            self._fall_silent()
        self._duck.on = decision is Decision.ONSET
        self._caller = caller
        self._since_caller_ticks = 0 if caller else self._since_caller_ticks + 1

    def _coming(self, samples: int) -> Pcm:
        """The next samples of the utterance, at most so many."""
        said = self._said or 0
        return self._utterances[self._index][said : said + samples]

    def _faded_out(self) -> Pcm:
        coming = self._duck(self._coming(self._fade.size))
        return self._padded(np.rint(coming * self._fade[: coming.size]))

    def _padded(self, samples: ArrayLike) -> Pcm:
        """A frame that begins with `samples`."""
        frame = np.zeros(self._tick_samples, np.int16)
        frame[: np.size(samples)] = samples
        return frame

    def _may_start(self) -> bool:
        return (
            bool(self._utterances)
            and self._silent_ticks >= self._pause_ticks
            and self._since_caller_ticks >= self._quiet_ticks
        )

    def _fall_silent(self) -> None:
        self._said, self._silent_ticks = None, 0
        self._index = (self._index + 1) % len(self._utterances)
