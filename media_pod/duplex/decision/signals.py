"""Evidence that only the learned judge needs, made of the rings and the delay tracker."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS, Pcm
from media_pod.duplex.delay.correlation import RATE_HZ
from media_pod.duplex.delay.tracker import DelayTracker
from media_pod.duplex.features import BANDS, BandLevels, Levels
from media_pod.duplex.ring import Audio, AudioRing
from media_pod.duplex.spectra import BINS, Spectra

CALLER, CLEANED, ECHO = range(3)
"""Places of `Signals.spectra`."""


@dataclass(frozen=True, slots=True)
class TrackerState:
    """What the delay tracker knows; see `DelayTracker`."""

    has_lag: NDArray[np.bool_]
    """[slots] whether there was a lock, however doubted since."""
    lag_samples: NDArray[np.intp]
    """[slots] lag of the echo at 8 kHz."""
    confidence: NDArray[np.float32]
    peak_ratio: NDArray[np.float32]
    ratio_at_lag: NDArray[np.float32]
    ratio_near_lag: NDArray[np.float32]
    ratio_of_window: NDArray[np.float32]

    @classmethod
    def of(cls, tracker: DelayTracker) -> "TrackerState":
        """The state in this tick; the tracker's next step overwrites its arrays."""
        return cls(
            has_lag=tracker.locked,
            lag_samples=tracker.lag_samples,
            confidence=tracker.confidence,
            peak_ratio=tracker.peak_ratio,
            ratio_at_lag=tracker.ratio_at_lag,
            ratio_near_lag=tracker.ratio_near_lag,
            ratio_of_window=tracker.ratio_of_window,
        )


@dataclass(frozen=True, slots=True)
class Signals:
    """One tick of every slot."""

    spectra: Audio
    """[2, 3, slots, BINS] real and imaginary parts, see `Spectra`, of the received audio, of that
    after the canceller, which delays by up to a tick, and of the played audio at the tracked lag;
    0 without one."""
    cleaned_db: Levels
    """[slots, BANDS] levels after the canceller."""
    played_db: Levels
    """[slots, BANDS] levels of the played audio, now."""
    tracker: TrackerState
    digital_silence: NDArray[np.bool_]
    """[slots] whether the received audio of this tick is digital silence."""


class SignalAnalysis:
    """Makes `Signals` from a bank's rings; keeps the cleaned audio."""

    def __init__(self, slots: int, rate: int) -> None:
        self._rate, self._slots = rate, slots
        self._levels, self._spectra = BandLevels(rate), Spectra(rate)
        tick = rate * TICK_MS // 1000
        self._cleaned = AudioRing(slots, self.window + tick, tick)

    @property
    def window(self) -> int:
        """Samples of every ring, at the rate, that it reads."""
        return self._spectra.window

    def reset(self, slot: int) -> None:
        """Forget the audio of `slot`."""
        self._cleaned.clear(slot)

    def step(
        self,
        rows: NDArray[np.intp],
        caller: AudioRing,
        played: AudioRing,
        cleaned: Pcm,
        *,
        played_db: Levels,
        tracker: TrackerState,
        digital_silence: NDArray[np.bool_],
    ) -> Signals:
        """Take one tick of every slot; spectra and levels only of the slots in `rows`.

        Args:
            rows: slots with a call.
            caller: received audio, at the bank's rate.
            played: played audio, at the bank's rate.
            cleaned: [slots, samples] this tick after the canceller.
            played_db: see `Signals`.
            tracker: see `Signals`.
            digital_silence: see `Signals`.
        """
        self._cleaned.push(cleaned)
        lag = tracker.lag_samples[rows] * self._rate // RATE_HZ
        echo = played.ago(rows, lag, self.window)
        echo[~tracker.has_lag[rows]] = 0
        audio = np.empty((3, rows.size, self.window), np.float32)
        audio[CALLER] = caller.last(self.window)[rows]
        audio[CLEANED] = after = self._cleaned.last(self.window)[rows]
        audio[ECHO] = echo
        spectra = np.zeros((2, 3, self._slots, BINS), np.float32)
        spectra[:, :, rows] = self._spectra(audio)
        cleaned_db = np.zeros((self._slots, BANDS), np.float32)
        cleaned_db[rows] = self._levels(after[:, -self._levels.window :])
        return Signals(
            spectra=spectra,
            cleaned_db=cleaned_db,
            played_db=played_db,
            tracker=tracker,
            digital_silence=digital_silence,
        )
