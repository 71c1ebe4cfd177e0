"""The listening modes that the demo and the sweep compare: two baselines, and Interject.

The baselines combine the same parts as other voice agents do. They are not settings of the product:

- *half-duplex* ignores the caller while the bot speaks, and a little longer until the echo is gone;
- *naive* runs an echo canceller without delay alignment, and takes speech in its output for the
  caller.

Both detect a barge-in by Silero above 0.5 for four windows in a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.levels import FULL_SCALE, SILENCE_DBFS
from media_pod.duplex.bank import Bank
from media_pod.duplex.canceller.webrtc import Canceller, WebRtcCanceller
from media_pod.duplex.contract import TICK_MS, Decision, DuplexBank, Pcm, Reason, Step
from media_pod.duplex.vad.silero import SileroVad

SPEECH_THRESHOLD = 0.5
ONSET_TICKS = 6
"""Ticks above the threshold for four windows of 32 ms: their results span 96 ms."""
RELEASE_MS = 300
"""The caller has stopped after this time without speech."""
DEAF_MS = 400
"""How long half-duplex ignores the line after the bot: longer than most echo delays."""
_ERLE_MEMORY = 0.98
"""Per tick: a time constant of 1 s."""
_ECHO_MS = 1100
"""The longest delay of an echo after the bot's last sound."""


class Vad(Protocol):
    """The voice activity detector that the baselines use."""

    def open(self, slot: int, phase: int = 0) -> None: ...

    def close(self, slot: int) -> None: ...

    def step(self, pcm: Pcm) -> NDArray[np.float32]: ...


class HalfDuplexBank:
    """Ignores the caller while the bot speaks."""

    def __init__(self, slots: int, rate: int, *, vad: Vad | None = None) -> None:
        self.slots, self.rate = slots, rate
        self._vad = vad or SileroVad(slots, rate)
        self._rule = _FourWindows(slots)
        self._played = _Recently(slots, DEAF_MS)
        self._open = np.zeros(slots, np.bool_)

    def open(self, slot: int, phase: int = 0) -> None:
        self._vad.open(slot, phase)
        self._rule.clear(slot)
        self._played.clear(slot)
        self._open[slot] = True

    def close(self, slot: int) -> None:
        self._vad.close(slot)
        self._open[slot] = False

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        speech = self._vad.step(caller)
        deaf = self._played.step(_is_sound(played))
        above = speech > SPEECH_THRESHOLD
        decision = self._rule.step(above & ~deaf & self._open)
        reason = np.select(
            [deaf & above, decision == Decision.CALLER, above],
            [Reason.ECHO_EXPLAINED, Reason.SPEECH_NO_ECHO, Reason.GATHERING],
            Reason.QUIET,
        )
        cleaned = np.where(self._open[:, None], caller, np.int16(0))
        return _step(cleaned, speech, decision, reason, np.full(self.slots, np.nan), self._open)


class NaiveBank:
    """Echo canceller without delay alignment, then Silero."""

    def __init__(
        self, slots: int, rate: int, *, vad: Vad | None = None, canceller: Canceller | None = None
    ) -> None:
        self.slots, self.rate = slots, rate
        self._vad = vad or SileroVad(slots, rate)
        self._canceller = canceller or WebRtcCanceller(slots, rate)
        self._rule = _FourWindows(slots)
        self._played = _Recently(slots, _ECHO_MS)
        self._powers = np.zeros((2, slots))
        self._open = np.zeros(slots, np.bool_)

    def open(self, slot: int, phase: int = 0) -> None:
        self._vad.open(slot, phase)
        self._canceller.open(slot)
        self._rule.clear(slot)
        self._played.clear(slot)
        self._powers[:, slot] = 0
        self._open[slot] = True

    def close(self, slot: int) -> None:
        self._vad.close(slot)
        self._canceller.close(slot)
        self._open[slot] = False

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        cleaned = self._canceller.step(caller, played)
        speech = self._vad.step(cleaned)
        above = speech > SPEECH_THRESHOLD
        decision = self._rule.step(above & self._open)
        echoing = self._played.step(_is_sound(played))
        stopped = decision == Decision.CALLER
        reason = np.select(
            [stopped & echoing, stopped, above],
            [Reason.SPEECH_OVER_ECHO, Reason.SPEECH_NO_ECHO, Reason.GATHERING],
            Reason.QUIET,
        )
        erle_db = self._erle_db(caller, cleaned, echoing)
        return _step(cleaned, speech, decision, reason, erle_db, self._open)

    def _erle_db(
        self, caller: Pcm, cleaned: Pcm, echoing: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        now = np.stack([_power(caller), _power(cleaned)])
        smoothed = _ERLE_MEMORY * self._powers + (1 - _ERLE_MEMORY) * now
        self._powers = np.where(echoing, smoothed, self._powers)
        before, after = self._powers
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(before > 0, 10 * np.log10(before / np.maximum(after, 1e-10)), np.nan)


class _FourWindows:
    """Speech in four windows in a row is the caller, until 300 ms without."""

    def __init__(self, slots: int) -> None:
        self._above_ticks = np.zeros(slots, np.int64)
        self._below_ticks = np.zeros(slots, np.int64)
        self._caller = np.zeros(slots, np.bool_)

    def clear(self, slot: int) -> None:
        self._above_ticks[slot] = self._below_ticks[slot] = 0
        self._caller[slot] = False

    def step(self, above: NDArray[np.bool_]) -> NDArray[np.int8]:
        self._above_ticks = np.where(above, self._above_ticks + 1, 0)
        self._below_ticks = np.where(above, 0, self._below_ticks + 1)
        self._caller |= self._above_ticks >= ONSET_TICKS
        self._caller &= self._below_ticks * TICK_MS < RELEASE_MS
        onset = np.where(above, Decision.ONSET, Decision.NONE)
        return np.where(self._caller, Decision.CALLER, onset).astype(np.int8)


class _Recently:
    """Holds a condition for `hold_ms` after its last tick, that tick included."""

    def __init__(self, slots: int, hold_ms: int) -> None:
        self._hold_ticks = hold_ms // TICK_MS
        self._left_ticks = np.zeros(slots, np.int64)

    def clear(self, slot: int) -> None:
        self._left_ticks[slot] = 0

    def step(self, now: NDArray[np.bool_]) -> NDArray[np.bool_]:
        left = np.maximum(self._left_ticks - 1, 0)
        self._left_ticks = np.where(now, self._hold_ticks, left)
        return self._left_ticks > 0


def _power(pcm: Pcm) -> NDArray[np.float64]:
    """Mean square per slot relative to full scale."""
    mean: NDArray[np.float64] = np.mean((pcm / FULL_SCALE) ** 2, axis=1)
    return mean


def _is_sound(pcm: Pcm) -> NDArray[np.bool_]:
    return np.asarray(_power(pcm) > 10 ** (SILENCE_DBFS / 10))


def _step(
    cleaned: Pcm,
    speech: NDArray[np.float32],
    decision: NDArray[np.int8],
    reason: NDArray[np.int64],
    erle_db: NDArray[np.float64],
    is_open: NDArray[np.bool_],
) -> Step:
    """A `Step` of a baseline, which has no delay estimate; closed slots are zero."""
    nowhere = np.where(is_open, np.nan, 0.0).astype(np.float32)
    return Step(
        cleaned=cleaned,
        speech=np.where(is_open, speech, 0).astype(np.float32),
        decision=decision,
        delay_ms=nowhere,
        delay_confidence=np.zeros_like(nowhere),
        erle_db=np.where(is_open, erle_db, 0.0).astype(np.float32),
        reason=np.where(is_open, reason, 0).astype(np.int8),
    )


@dataclass(frozen=True, slots=True)
class ListeningMode:
    """One way to decide when the caller speaks."""

    name: str
    title: str
    """For tables and headlines."""
    bank: Callable[[int, int], DuplexBank]
    """Called with the number of slots and the rate in Hz."""


LISTENING_MODES: Final = {
    mode.name: mode
    for mode in (
        ListeningMode(
            "half-duplex", "Half-duplex: ignores the caller while the bot speaks", HalfDuplexBank
        ),
        ListeningMode(
            "naive", "Naive: WebRTC echo canceller without delay alignment, then Silero", NaiveBank
        ),
        ListeningMode("interject", "Interject: echo canceller aligned to the measured delay", Bank),
    )
}
