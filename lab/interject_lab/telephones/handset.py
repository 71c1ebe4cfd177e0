"""The simulated telephone without a network: its playout buffer and its clock.

The handset counts its own 20 ms ticks, as a sound card does. Audio from the bot goes through a
small playout buffer: playback starts at `BUFFER_FRAMES`; a tick that underruns plays silence, so
that the buffer is one frame deeper when the late frame arrives; a buffer deeper than
`MAX_BUFFER_FRAMES` is cut back to `BUFFER_FRAMES`. Both change the echo's delay in a step, and the
record shows it. Audio that is known to be lost is replaced by silence; silence that already played
in an underrun counts towards it, and causes no step.

Ticks are counted from the start of the call. A late tick is caught up, because a sound card drops
none.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import UNDERRUN, CallRecord
from interject_lab.network.levels import is_sound
from interject_lab.network.line import TelephoneLine
from interject_lab.telephones.caller import TelephoneUser
from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]

BUFFER_FRAMES = 2
MAX_BUFFER_FRAMES = 25

_TICK_NS = TICK_MS * 1_000_000


class Handset:
    """One call's telephone and its caller.

    Args:
        line, caller: made for this call, of the same rate.
        max_s: the longest call; later audio of the bot is dropped.
    """

    def __init__(self, line: TelephoneLine, caller: TelephoneUser, max_s: float) -> None:
        self._line = line
        self._caller = caller
        self._tick_samples = line.rate_hz * TICK_MS // 1000
        self._max_ticks = round(max_s * 1000 / TICK_MS)
        self._bot = np.zeros(self._max_ticks * self._tick_samples, np.int16)
        self._received = 0
        self._play_from = 0
        self._playing = False
        self._starved = 0
        """Samples of silence played since the underrun."""
        self._sent: list[Pcm] = []
        self._bot_arrived_ns: list[int] = []
        self._bot_played_sample: list[int] = []

    @property
    def ticks(self) -> int:
        """Ticks so far."""
        return len(self._sent)

    @property
    def over(self) -> bool:
        """The call has reached `max_s`, or the caller hangs up: no `tick` may follow."""
        return self.ticks == self._max_ticks or self._caller.hangs_up

    @property
    def keys(self) -> str:
        """The DTMF digits that the caller presses in the latest tick, in order."""
        return self._caller.keys

    @property
    def dry(self) -> bool:
        """The next tick will underrun."""
        needed = 1 if self._playing else BUFFER_FRAMES
        return self._received - self._play_from < needed * self._tick_samples

    def receive(self, pcm: Pcm, at_ns: int) -> None:
        """Buffer audio of the bot, int16 of any length, that arrived at `at_ns`."""
        begun = self._received // self._tick_samples
        part = pcm[: self._bot.size - self._received]
        self._bot[self._received : self._received + part.size] = part
        self._received += part.size
        frames = -(-self._received // self._tick_samples)
        if part.size:
            self._bot_arrived_ns[begun:] = [at_ns] * (frames - begun)

    def miss(self, samples: int, at_ns: int) -> None:
        """Buffer silence for `samples` of the bot that are known at `at_ns` to be lost.

        A lost frame has the arrival time at which it was due, 20 ms after the previous one.
        """
        skipped = min(samples, self._starved)
        due_ns = self._bot_arrived_ns[-1] if self._bot_arrived_ns else at_ns
        while samples > 0:
            part = min(samples, self._tick_samples - self._received % self._tick_samples)
            due_ns = min(due_ns + _TICK_NS, at_ns)
            self.receive(np.zeros(part, np.int16), due_ns)
            samples -= part
        self._play_from = min(self._play_from + skipped, self._received)
        self._starved -= skipped

    def tick(self) -> Pcm:
        """Advance by one tick; returns the caller's audio to send now, int16 [tick]."""
        start = self._next_to_play()
        if start == UNDERRUN:
            frame = np.zeros(self._tick_samples, np.int16)
        else:
            frame = self._bot[start : start + self._tick_samples]
        self._bot_played_sample.append(start)
        near = self._caller.step(is_sound(frame))
        self._sent.append(self._line.step(frame, near))
        return self._sent[-1]

    def record(self, sent_ns: list[int], ended: str) -> CallRecord:
        """The record of the call; `sent_ns` are the times of the frames that were sent."""
        frames = len(sent_ns)
        tick = self._tick_samples
        delays_ms = [self._line.delay_at(index * tick) for index in range(frames)]
        return CallRecord(
            rate_hz=self._line.rate_hz,
            caller=np.concatenate([np.zeros(0, np.int16), *self._sent[:frames]]),
            bot=self._bot[: self._received].copy(),
            caller_sent_ns=np.array(sent_ns, np.int64),
            bot_arrived_ns=np.array(self._bot_arrived_ns, np.int64),
            bot_played_sample=np.array(self._bot_played_sample[:frames], np.int64),
            line_delay_ms=np.array(delays_ms, np.float32),
            spoken=self._caller.spoken,
            ended=ended,
        )

    def _next_to_play(self) -> int:
        """Position in the bot's stream to play from; `UNDERRUN` if the buffer is dry."""
        if self._received - self._play_from > MAX_BUFFER_FRAMES * self._tick_samples:
            self._play_from = self._received - BUFFER_FRAMES * self._tick_samples
        if self.dry:
            self._starved += self._tick_samples if self._playing else 0
            return UNDERRUN
        self._playing, self._starved = True, 0
        start = self._play_from
        self._play_from += self._tick_samples
        return start


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A DTMF digit that the caller sends."""

    at_s: float
    digit: str


@dataclass(frozen=True, slots=True, eq=False)
class PhoneTick:
    """Input of one tick."""

    at_ns: int
    """When the tick was due."""
    digits: str
    """The DTMF digits that start in it, in order."""
    frame: NDArray[np.int16]
    """int16 [tick], the caller's audio."""


class PhoneClock:
    """The ticks of one call, up to its handset's `max_s`.

    Args:
        handset: made for this call.
        dtmf: digits to send, in order of time.
        progress: receives the seconds since the start, once a second.
        start_ns: when the first tick is due.
    """

    def __init__(
        self,
        handset: Handset,
        dtmf: Sequence[Dtmf],
        progress: Callable[[float], None],
        start_ns: int,
    ) -> None:
        self._handset = handset
        self._dtmf = deque(dtmf)
        self._progress = progress
        self._start_ns = start_ns

    @property
    def next_ns(self) -> int:
        """When the next tick is due."""
        return self._start_ns + self._handset.ticks * _TICK_NS

    def due(self, now_ns: int) -> bool:
        """Whether a tick is due at `now_ns`; never once the handset has finished."""
        return not self._handset.over and self.next_ns <= now_ns

    def tick(self) -> PhoneTick:
        """The next tick; only before the handset has finished."""
        at_ns, elapsed_ms = self.next_ns, self._handset.ticks * TICK_MS
        if elapsed_ms % 1000 == 0:
            self._progress(elapsed_ms / 1000)
        digits = ""
        while self._dtmf and self._dtmf[0].at_s * 1000 <= elapsed_ms:
            digits += self._dtmf.popleft().digit
        frame = self._handset.tick()
        return PhoneTick(at_ns, digits + self._handset.keys, frame)
