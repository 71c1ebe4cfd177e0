"""A caller who tells what happens while it happens."""

from collections.abc import Callable, Sequence

from media_pod.duplex.contract import TICK_MS
from media_pod.lab.caller import BOT_PAUSE_MS, Caller, Pcm, Utterance

Tell = Callable[[float, str], None]
"""Takes seconds of the telephone's clock, and words."""

_TICK_S = TICK_MS / 1000


class WatchedCaller(Caller):
    """`Caller`, telling when the bot and the caller begin and end to speak.

    That the bot is silent is known once a pause is longer than people make within a sentence; the
    time that is told is that of its last sound.
    """

    def __init__(self, plan: Sequence[Utterance], rate_hz: int, tell: Tell) -> None:
        super().__init__(plan, rate_hz)
        self._tell = tell
        self._samples_per_tick = rate_hz * TICK_MS // 1000
        self._watched_ticks = 0
        self._bot_since: int | None = None
        """The tick in which the bot began to speak; None while it is silent."""
        self._bot_until = 0
        """The tick after its last sound."""
        self._talks = 0
        self._talking = False

    def step(self, bot_is_speaking: bool) -> Pcm:
        """See `Caller.step`."""
        if not self._watched_ticks:
            self._tell(0.0, "connected")
        frame = super().step(bot_is_speaking)
        self._watch_bot(bot_is_speaking)
        self._watched_ticks += 1
        self._watch_caller()
        return frame

    def _watch_bot(self, speaking: bool) -> None:
        now = self._watched_ticks
        if speaking:
            self._bot_until = now + 1
            if self._bot_since is None:
                self._bot_since = now
                self._tell(now * _TICK_S, "bot speaks")
        elif self._bot_since is not None and (now + 1 - self._bot_until) * TICK_MS > BOT_PAUSE_MS:
            spoke_s = (self._bot_until - self._bot_since) * _TICK_S
            self._tell(self._bot_until * _TICK_S, f"bot silent, after {spoke_s:.2f} s")
            self._bot_since = None

    def _watch_caller(self) -> None:
        sample_s = _TICK_S / self._samples_per_tick
        if len(self.spoken) > self._talks:
            latest = self.spoken[-1]
            over = " over the bot" if latest.interrupts else ""
            self._tell(latest.onset_sample * sample_s, f"caller speaks{over}: {latest.label}")
            self._talks, self._talking = len(self.spoken), True
        if self._talking:
            end = self.spoken[-1].end_sample
            if end <= self._watched_ticks * self._samples_per_tick:
                self._tell(end * sample_s, "caller silent")
                self._talking = False
