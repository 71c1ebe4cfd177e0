"""What all rules have in common: slots that open and close, and the `Step` around a decision.

Rules that know no release of their own end the caller's speech after `RELEASE_MS` without speech.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.signal_parts import Hold, is_sound
from media_pod.duplex.contract import TICK_MS, Decision, Pcm, Reason, Step

RELEASE_MS: Final = 300
"""The caller has stopped after this time without speech."""
RELEASE_TICKS: Final = RELEASE_MS // TICK_MS
ECHO_MS: Final = 1100
"""The longest delay of an echo after the bot's last sound."""

Mask = NDArray[np.bool_]
"""[slots] a condition per slot."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a rule makes of one tick, one row per slot."""

    cleaned: Pcm
    """[slots, samples] the audio that the rule listens to."""
    speech: NDArray[np.float32]
    """[slots] probability 0..1 of speech; 0 or 1 from a detector that only says yes or no."""
    above: Mask
    """[slots] whether the tick has speech by the rule's own threshold."""
    ignored: Mask
    """[slots] whether the rule does not listen now, because the bot speaks."""
    caller: Mask
    """[slots] whether the rule decides for the caller."""
    erle_db: NDArray[np.float64] | None = None
    """[slots] what a canceller removes, dB."""
    delay_ms: NDArray[np.float64] | None = None
    """[slots] the estimated delay of the echo."""
    delay_confidence: NDArray[np.float32] | None = None
    """[slots] 0..1; given together with `delay_ms`."""


class RuleBank(ABC):
    """A `DuplexBank` around the decision of a rule."""

    def __init__(self, slots: int, rate: int, *, echo_ms: int = ECHO_MS) -> None:
        """Create a bank with every slot closed.

        Args:
            slots: maximum concurrent calls.
            rate: sample rate of both directions, 8000 or 16000 Hz.
            echo_ms: how long after the bot's last sound its echo may arrive.
        """
        self._slots, self._rate = slots, rate
        self._echo = Hold(slots, echo_ms)
        self._open = np.zeros(slots, np.bool_)

    @property
    def slots(self) -> int:
        """Maximum concurrent calls."""
        return self._slots

    @property
    def rate(self) -> int:
        """Sample rate of both directions, Hz."""
        return self._rate

    def open(self, slot: int, phase: int = 0) -> None:
        """Start a call in `slot`; see `contract.DuplexBank.open`."""
        self._echo.reset(slot)
        self._start(slot, phase)
        self._open[slot] = True

    def close(self, slot: int) -> None:
        """End the call in `slot`; no effect on a closed one."""
        self._stop(slot)
        self._open[slot] = False

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        """Advance every call by one tick; see `contract.DuplexBank.step`."""
        echoing = self._echo.step(is_sound(played))
        heard = self._hear(caller, played, echoing, slipped)
        onset = heard.above & ~heard.ignored
        decision = np.select([heard.caller, onset], [Decision.CALLER, Decision.ONSET])
        reason = np.select(
            [heard.caller & echoing, heard.caller, heard.above & heard.ignored, onset],
            [
                Reason.SPEECH_OVER_ECHO,
                Reason.SPEECH_NO_ECHO,
                Reason.ECHO_EXPLAINED,
                Reason.GATHERING,
            ],
            Reason.QUIET,
        )
        nowhere = np.full(self._slots, np.nan)
        unsure = np.zeros(self._slots, np.float32)
        return Step(
            cleaned=np.where(self._open[:, None], heard.cleaned, np.int16(0)),
            speech=self._only_open(heard.speech),
            decision=np.where(self._open, decision, 0).astype(np.int8),
            delay_ms=self._only_open(nowhere if heard.delay_ms is None else heard.delay_ms),
            delay_confidence=self._only_open(
                unsure if heard.delay_confidence is None else heard.delay_confidence
            ),
            erle_db=self._only_open(nowhere if heard.erle_db is None else heard.erle_db),
            reason=np.where(self._open, reason, 0).astype(np.int8),
        )

    @abstractmethod
    def _start(self, slot: int, phase: int) -> None:
        """Give `slot` the state of a call that begins."""

    def _stop(self, slot: int) -> None:  # noqa: B027
        """Free what `slot` holds; most rules hold nothing that costs."""

    @abstractmethod
    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        """The rule itself, for one tick of all slots.

        `echoing`, [slots]: whether the bot's echo may arrive now. The rest as in `step`.
        """

    def _only_open(self, values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
        return np.where(self._open, values, 0).astype(np.float32)
