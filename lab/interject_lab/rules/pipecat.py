"""pipecat's default rule: Silero and loudness for 0.2 s."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.rules.loudness import MomentaryLoudness, is_above_absolute_gate
from interject_lab.rules.rule_bank import Heard, Mask, RuleBank
from interject_lab.rules.signal_parts import SpeechRun
from interject_lab.rules.voice_detector import WINDOW_MS, Vad, WindowedVad
from media_pod.duplex.contract import Pcm

_CONFIDENCE: Final = 0.7
_MIN_VOLUME: Final = 0.6
_SMOOTHING: Final = 0.2
_QUIETEST_LKFS, _LOUDEST_LKFS = -110.0, -10.0
"""The loudness of volume 0 and of volume 1."""
_WINDOWS: Final = round(200 / WINDOW_MS)
"""Of `start_secs` and `stop_secs`, 0.2 s each: six windows."""


class PipecatBank(RuleBank):
    """pipecat 1.14.0 (`audio/vad/vad_analyzer.py`, `audio/utils.py`), with default parameters.

    Speech are windows with Silero from 0.7 and a smoothed volume from 0.6, where volume is loudness
    over 400 ms between -110 and -10 LKFS. Six of them in a row interrupt, six without end it.
    Re-expressed with the product's Silero, and without the reset of the network each 5 s of the
    wall clock, interim transcripts and the end-of-turn model.
    """

    def __init__(self, slots: int, rate: int, *, vad: Vad | None = None) -> None:
        super().__init__(slots, rate)
        self._vad = WindowedVad(slots, rate, vad)
        self._loudness = MomentaryLoudness(slots, rate)
        self._volume = np.zeros(slots)
        self._run = SpeechRun(slots, _WINDOWS, _WINDOWS)

    def _start(self, slot: int, phase: int) -> None:
        self._vad.open(slot, phase)
        self._loudness.reset(slot)
        self._volume[slot] = 0
        self._run.reset(slot)

    def _stop(self, slot: int) -> None:
        self._vad.close(slot)

    def _hear(
        self, caller: Pcm, played: Pcm, echoing: Mask, slipped: NDArray[np.int32] | None
    ) -> Heard:
        speech, new = self._vad.step(caller)
        loudness = self._loudness.step(caller)
        audible = is_above_absolute_gate(loudness)
        share = (loudness - _QUIETEST_LKFS) / (_LOUDEST_LKFS - _QUIETEST_LKFS)
        volume = np.where(audible, np.minimum(share, 1.0), 0.0)
        smoothed = self._volume + _SMOOTHING * (volume - self._volume)
        self._volume = np.where(new, smoothed, self._volume)
        above = (speech >= _CONFIDENCE) & (self._volume >= _MIN_VOLUME)
        return Heard(caller, speech, above, np.zeros_like(above), self._run.step(above, new))
