"""TEN VAD for 0.2 s: the rule of agents on the TEN framework.

ten-vad is under the Apache licence with conditions of Agora's (no competing service): it is an
optional package of whoever measures, and nothing that Interject ships uses it.
"""

import importlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.doubler import Doubler
from interject_lab.rules.rule_bank import RELEASE_MS, Heard, Mask, RuleBank
from media_pod.duplex.contract import Pcm
from media_pod.errors import SetupError

PACKAGE: Final = "ten_vad"
_RATE_HZ: Final = 16000
_HOP: Final = 256
_HOP_MS: Final = 16
_THRESHOLD: Final = 0.5
_ONSET_HOPS: Final = -(-200 // _HOP_MS)
_RELEASE_HOPS: Final = -(-RELEASE_MS // _HOP_MS)


class TenBank(RuleBank):
    """ten-vad 1.0.6.9 (`TenVad(256, 0.5)` at 16 kHz), above 0.5 in 13 hops (208 ms) in a row.

    The detector is the real one; lines of 8 kHz are upsampled. The 0.2 s are re-expressed: TEN's
    examples leave turns to a model of text. The release is that of the other rules.
    """

    def __init__(self, slots: int, rate: int) -> None:
        """Raises ImportError without ten-vad, SetupError if its library cannot be loaded."""
        super().__init__(slots, rate)
        self._detector_type: Any = importlib.import_module(PACKAGE).TenVad
        self._new_call()
        self._doubler = Doubler(slots) if rate == _RATE_HZ // 2 else None
        self._calls: list[_Call | None] = [None] * slots

    def _new_call(self) -> "_Call":
        try:
            return _Call(self._detector_type(_HOP, _THRESHOLD))
        except OSError as error:
            raise SetupError(
                f"ten-vad: {error}; install the C++ library that it needs (Debian: libc++1)"
            ) from error

    def _start(self, slot: int, phase: int) -> None:
        self._calls[slot] = self._new_call()
        if self._doubler is not None:
            self._doubler.reset(slot)

    def _stop(self, slot: int) -> None:
        self._calls[slot] = None

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        audio = caller if self._doubler is None else self._doubler(caller)
        speech = np.zeros(self.slots, np.float32)
        decided = np.zeros(self.slots, np.bool_)
        for slot, call in enumerate(self._calls):
            if call is not None:
                call.step(audio[slot])
                speech[slot], decided[slot] = call.speech, call.caller
        above = speech >= _THRESHOLD
        return Heard(caller, speech, above, np.zeros_like(above), decided)


class _Call:
    """The detector of one call, the audio that fills no hop yet, and the run of its results."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._waiting = np.zeros(0, np.int16)
        self._above = self._below = 0
        self.speech = 0.0
        self.caller = False

    def step(self, pcm: Pcm) -> None:
        """Take one tick, int16 [320]."""
        audio = np.concatenate([self._waiting, pcm])
        hops = audio.size // _HOP
        self._waiting = audio[hops * _HOP :]
        for hop in audio[: hops * _HOP].reshape(hops, _HOP):
            self.speech, _ = self._detector.process(hop)
            above = self.speech >= _THRESHOLD
            self._above = self._above + 1 if above else 0
            self._below = 0 if above else self._below + 1
            self.caller |= self._above >= _ONSET_HOPS
            self.caller &= self._below < _RELEASE_HOPS
