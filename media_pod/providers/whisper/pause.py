"""Notices that a caller pauses, by the level alone."""

import numpy as np
from numpy.typing import NDArray

from media_pod.providers.ports import Pcm

PAUSE_MS = 300
"""Pauses within a phrase are mostly shorter; the end of a turn is decided later than this."""
_QUIET_DB = -25.0
"""Level of a pause, relative to the loudest frame of the utterance. On a line with more noise than
that, no pause is found."""
_SPEECH_RMS = 100.0
"""Minimum RMS of the loudest frame, -50 dBFS: below it there was no speech that could pause."""
_FRAME_MS = 20


class PauseDetector:
    """Level of one utterance, in frames of 20 ms."""

    def __init__(self, rate_hz: int) -> None:
        self._frame = rate_hz * _FRAME_MS // 1000
        self._rest: Pcm = np.zeros(0, np.int16)
        self._loudest = 0.0
        self._quiet_ms = 0

    @property
    def is_paused(self) -> bool:
        """There was speech, and for `PAUSE_MS` none."""
        return self._loudest >= _SPEECH_RMS**2 and self._quiet_ms >= PAUSE_MS

    def push(self, pcm: Pcm) -> None:
        """Take the next audio; samples that do not fill a frame wait for the next call."""
        pcm = np.concatenate([self._rest, pcm])
        whole = pcm.size // self._frame * self._frame
        self._rest = pcm[whole:]
        frames: NDArray[np.float32] = pcm[:whole].reshape(-1, self._frame).astype(np.float32)
        for power in np.square(frames).mean(axis=1).tolist():
            self._loudest = max(self._loudest, power)
            quiet = power < self._loudest * 10 ** (_QUIET_DB / 10)
            self._quiet_ms = self._quiet_ms + _FRAME_MS if quiet else 0
