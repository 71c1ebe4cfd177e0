"""Duplex processing of all calls of a pod, one step per 20 ms: align, cancel, detect, decide.

Arrays in, decisions out. The bank has no clock: the pod steps it 50 times per second, the lab as
fast as possible. What a call gets depends on its own audio and phase alone, bit by bit: neither its
slot nor the other calls change it, so that a stored call can be replayed.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.call_audio import CallAudio
from media_pod.duplex.canceller.kalman import KalmanCanceller
from media_pod.duplex.canceller.protocol import LEAD_MS, PAST_MS, Canceller
from media_pod.duplex.contract import LOCKED, TICK_MS, Pcm, Step
from media_pod.duplex.decision.default import DetectorFactory, default_detector
from media_pod.duplex.decision.detector import NORMAL_BIAS, Evidence
from media_pod.duplex.decision.prediction import EchoPrediction
from media_pod.duplex.decision.signals import SignalAnalysis, TrackerState
from media_pod.duplex.delay.correlation import RATE_HZ
from media_pod.duplex.delay.tracker import DelayTracker
from media_pod.duplex.erle import ErleMeter
from media_pod.duplex.features import BANDS, BandLevels, NoiseFloor
from media_pod.duplex.ring import Audio
from media_pod.duplex.vad.silero import SileroVad

RATES_HZ: Final = (8000, 16000)


class Bank:
    """The duplex core for up to `slots` calls; implements `contract.DuplexBank`."""

    def __init__(
        self,
        slots: int,
        rate: int = 8000,
        *,
        max_delay_ms: int = 1000,
        threshold_bias: float = NORMAL_BIAS,
        canceller: Callable[[int, int], Canceller] = KalmanCanceller,
        keep_backchannels: bool = True,
        detector: DetectorFactory | None = None,
    ) -> None:
        """Create a bank with every slot closed.

        Args:
            slots: maximum concurrent calls, at least 1.
            rate: sample rate of all calls, 8000 or 16000 Hz.
            max_delay_ms: longest echo delay that is searched.
            threshold_bias: see `SequentialDetector` and `LearnedDetector`.
            canceller: factory, called with (slots, rate).
            keep_backchannels: see `LearnedDetector`.
            detector: factory; that of `default_detector` by default.

        Raises:
            ValueError: an unsupported rate or number of slots, or weights that do not fit.
        """
        if rate not in RATES_HZ:
            raise ValueError(f"rate is {rate} Hz; a bank runs at one of {RATES_HZ} Hz")
        if slots < 1:
            raise ValueError(f"slots is {slots}; a bank has at least one")

        self._slots, self._rate = slots, rate
        self._samples = rate * TICK_MS // 1000
        self._rows = np.arange(slots)
        self._past = rate * PAST_MS // 1000
        self._open = np.zeros(slots, np.bool_)
        self._ticks = np.zeros(slots, np.int64)
        """[slots] ticks of each call, its phase included."""
        self._lag = np.zeros(slots, np.intp)
        """[slots] lag of the latest reference that the canceller got, in samples at `rate`."""
        self._absent = np.zeros(slots, np.bool_)
        """[slots] whether that reference was silence in place of what was played."""
        self._relearn = np.zeros(slots, np.bool_)
        """[slots] whether the tracker found another lag that the canceller has not taken yet."""
        self._tracker = DelayTracker(slots, max_delay_ms)
        self._canceller = canceller(slots, rate)
        self._vad = SileroVad(slots, rate)
        self._levels = BandLevels(rate)
        self._floor = NoiseFloor(slots)
        self._prediction = EchoPrediction(slots, max_delay_ms)
        self._erle = ErleMeter(slots)
        self._detector = (detector or default_detector())(
            slots, threshold_bias, keep_backchannels=keep_backchannels
        )
        self._signals = SignalAnalysis(slots, rate) if self._detector.needs_signals else None
        longest = self._signals.window if self._signals else self._levels.window
        window = longest + 2 * self._samples
        reach = max_delay_ms * rate // 1000 + max(window, self._past + self._samples)
        self._audio = CallAudio(slots, rate, self._tracker.history, window, reach)

    @property
    def slots(self) -> int:
        """Maximum concurrent calls."""
        return self._slots

    @property
    def rate(self) -> int:
        """Sample rate of both directions, Hz."""
        return self._rate

    def open(self, slot: int, phase: int = 0) -> None:
        """Start a call in `slot`; see `contract.DuplexBank.open`.

        Raises:
            ValueError: the slot is already open.
            IndexError: `slot` is out of range.
        """
        if not 0 <= slot < self._slots:
            raise IndexError(f"slot {slot} of a bank of {self._slots}: they begin at 0")
        if self._open[slot]:
            raise ValueError(f"slot {slot} is open already: close it first")

        self._open[slot] = True
        self._ticks[slot] = phase
        self._lag[slot], self._absent[slot], self._relearn[slot] = 0, False, False
        for part in (
            self._audio,
            self._tracker,
            self._prediction,
            self._floor,
            self._erle,
            self._detector,
        ):
            part.reset(slot)
        self._canceller.open(slot)
        self._vad.open(slot, phase)
        if self._signals is not None:
            self._signals.reset(slot)

    def close(self, slot: int) -> None:
        """End the call in `slot`; no effect on a closed one."""
        self._open[slot] = False
        self._canceller.close(slot)
        self._vad.close(slot)

    def step(self, caller: Pcm, played: Pcm, slipped: NDArray[np.int32] | None = None) -> Step:
        """Advance every call by one tick; see `contract.DuplexBank.step`."""
        frames = (self._slots, self._samples)
        _check("caller", caller, frames, np.int16)
        _check("played", played, frames, np.int16)
        if slipped is not None:
            _check("slipped", slipped, frames[:1], np.int32)
        self._audio.push(caller, played)
        self._track(slipped)
        tracker = TrackerState.of(self._tracker)
        digital_silence = (caller == caller[:, :1]).all(axis=1)
        # The caller's side sends digital silence (DTX, DTMF, a muted microphone). If the line has a
        # known echo, its absence is then no evidence: a model that learned from it would classify
        # the returning echo as the caller.
        absent = digital_silence & self._tracker.locked
        aligned = self._aligned(absent, slipped)
        cleaned = self._canceller.step(caller, aligned)
        speech = self._vad.step(cleaned)
        evidence = self._evidence(cleaned, speech, digital_silence, absent, tracker)
        detection = self._detector.step(evidence)
        echo = evidence.predicted.reference_at_lag & ~absent
        erle_db = self._erle.step(self._before_canceller(), cleaned, echo, detection.decision)
        delay_ms = self._tracker.lag_samples * (1000 / RATE_HZ)
        return Step(
            cleaned=cleaned,
            speech=speech,
            decision=detection.decision * self._open,
            delay_ms=self._only_open(np.where(self._tracker.locked, delay_ms, np.nan)),
            delay_confidence=self._only_open(tracker.confidence),
            erle_db=self._only_open(erle_db),
            reason=detection.reason * self._open,
            why={slot: parts for slot, parts in detection.why.items() if self._open[slot]},
        )

    def _evidence(
        self,
        cleaned: Pcm,
        speech: Audio,
        digital_silence: NDArray[np.bool_],
        absent: NDArray[np.bool_],
        tracker: TrackerState,
    ) -> Evidence:
        """What the detector decides from; `digital_silence` and `absent` are flags by slot."""
        caller_db, played_db = self._band_levels()
        self._floor.follow(caller_db, ~digital_silence)
        lag_ticks = self._tracker.lag_samples // (RATE_HZ * TICK_MS // 1000)
        predicted = self._prediction.step(
            played_db, caller_db, lag_ticks, self._tracker.locked, ~absent
        )
        signals = None
        if self._signals is not None:
            signals = self._signals.step(
                np.flatnonzero(self._open),
                self._audio.caller,
                self._audio.played,
                cleaned,
                played_db=played_db,
                tracker=tracker,
                digital_silence=digital_silence,
            )
        return Evidence(
            speech,
            caller_db,
            self._floor.level_db,
            predicted,
            tracker.confidence >= LOCKED,
            self._tracker.unexplained,
            signals,
        )

    def _track(self, slipped: NDArray[np.int32] | None) -> None:
        """Advance the delay tracker, after the slips of the gather phase."""
        if slipped is not None and slipped.any():
            moved = np.flatnonzero(slipped)
            self._tracker.slip(moved, slipped[moved] * RATE_HZ // self._rate)

        audio = self._audio
        self._tracker.step(
            self._ticks, self._open, audio.caller_8k, audio.played_8k, self._floor.level_db
        )
        self._ticks += 1

    def _aligned(self, absent: NDArray[np.bool_], slipped: NDArray[np.int32] | None) -> Pcm:
        """[slots, samples] reference for the canceller: `LEAD_MS` ahead of its echo.

        Tells the canceller of the slots whose reference does not continue the latest one.
        """
        lead = LEAD_MS * RATE_HZ // 1000
        lag = np.where(self._tracker.locked, np.maximum(self._tracker.lag_samples - lead, 0), 0)
        lag = lag * self._rate // RATE_HZ
        moved = lag != self._lag
        # A lag may be found in a tick of digital silence; the canceller takes it in the next other.
        self._relearn |= moved if slipped is None else moved & (slipped == 0)
        broken = np.flatnonzero(self._open & ~absent & (moved | self._absent))
        if broken.size:
            past = self._audio.played.ago(broken, lag[broken] + self._samples, self._past)
            self._canceller.realign(broken, past, self._relearn[broken])
            self._relearn[broken] = False
        self._lag, self._absent = lag, absent
        aligned = self._audio.played.ago(self._rows, lag, self._samples).astype(np.int16)
        aligned[absent] = 0
        return aligned

    def _before_canceller(self) -> Audio:
        """[slots, samples] the received audio of the moment that the canceller now puts out."""
        late = np.full(self._slots, self._canceller.delay_samples)
        return self._audio.caller.ago(self._rows, late, self._samples)

    def _band_levels(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """[slots, BANDS] levels of received and of played audio, dB; 0 in closed slots."""
        window, rows = self._levels.window, np.flatnonzero(self._open)
        both = np.zeros((2, self._slots, BANDS), np.float32)
        audio = np.concatenate(
            [self._audio.caller.last(window)[rows], self._audio.played.last(window)[rows]]
        )
        both[:, rows] = self._levels(audio).reshape(2, rows.size, BANDS)
        return both[0], both[1]

    def _only_open(self, values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
        return np.where(self._open, values, 0).astype(np.float32)


def _check(name: str, array: NDArray[Any], shape: tuple[int, ...], kind: type[np.integer]) -> None:
    if array.shape != shape or array.dtype != kind:
        raise ValueError(
            f"{name} is {array.dtype}{list(array.shape)}; "
            f"a step takes {np.dtype(kind)}{list(shape)}: one row per slot"
        )
