"""Where the echo of what was played lies in the caller's audio now, and how sure that is.

Generalised cross-correlation with phase transform (Knapp and Carter, 1976) between the caller's
last 256 ms and the reference's last second, ten times a second for each call, staggered over
ticks so that every tick has a fifth of the calls.

Three rules keep it from locking on a wrong lag:

- a lag is judged by the correlation's energy in 5 ms, because the echo of a room has no single
  peak; the delay is then the first arrival just before the strongest, which is what a canceller
  needs to stay causal;
- a lag learns only while the reference was audible at that lag and the caller's side is above its
  own noise: everything else teaches it the edges of speech instead of the echo;
- a lag must win several updates before it is believed, more of them the less it stands out.

Two memories: a slow one that finds the lag anywhere, and a quick one, searched near the lock, that
follows a line whose delay has stepped.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from media_pod.duplex.reference import Audio, AudioRing

UPDATE_TICKS: Final = 5
"""Each slot is updated every fifth tick: 100 ms."""

RATE_HZ: Final = 8000
"""The tracker's own rate: a telephone line has nothing above 4 kHz that helps to find the echo."""

_WINDOW: Final = 2048
_BAND_HZ: Final = (200.0, 3600.0)
_SPREAD: Final = 40
"""Lags, 5 ms: what is summed up as one arrival."""
_EARLIER: Final = 160
"""Lags, 20 ms: how far before the strongest arrival the first one is looked for."""
_FIRST: Final = np.float32(0.3)
"""The first arrival has at least this part of the strongest one's amplitude..."""
_FIRST_SIGMAS: Final = np.float32(4.5)
"""...and stands out of the correlation's noise by this factor."""
_SLOW: Final = np.float32(0.2)
_QUICK: Final = np.float32(0.6)
_NEAR: Final = 220 * RATE_HZ // 1000
_SAME: Final = 3 * RATE_HZ // 1000
_AUDIBLE: Final = np.float32(10 ** (-52 / 20) * 32768)
"""RMS from which on a stretch of reference teaches something."""
_ABOVE_NOISE: Final = np.float32(10 ** (5 / 20))
_NOISE_RISE: Final = np.float32(10 ** (0.2 / 20))
"""The noise floor falls at once and rises 2 dB a second."""
_DRIFT: Final = 4
"""Lags that the held lag may be off before a clear arrival moves it."""
_LEAST_LAGS: Final = 400
"""Lags that must have heard something before a correlation is worth its cost: 50 ms."""
_STANDS_OUT: Final = 8.0
"""Energy of an arrival over the mean energy of all lags that counts as evidence."""
_STANDS_OUT_FAR: Final = 12.0
"""The same for an arrival further from the lock than the quick memory is searched."""
_MOST_PER_UPDATE: Final = 1.5
_LOCK_SCORE: Final = 3.0
_MOVE_SCORE: Final = 1.5
_START_SCORE: Final = 5.0
_MAX_SCORE: Final = 8.0


@dataclass(slots=True)
class _Arrivals:
    """One arrival per row: its first lag, its energy over the mean, and all rows' energies."""

    lag: NDArray[np.intp]
    ratio: Audio
    energy: Audio
    """[rows, lags - spread + 1] energy of the 5 ms from each lag on, over the row's mean."""

    def take(self, other: "_Arrivals", where: NDArray[np.bool_]) -> None:
        """Replace the rows in `where` by those of `other`."""
        self.lag[where] = other.lag[where]
        self.ratio[where] = other.ratio[where]
        self.energy[where] = other.energy[where]


def _evidence(ratio: Audio, threshold: Audio | float) -> Audio:
    """Log-likelihood-like weight of an arrival: 0 at the threshold, clipped on both sides."""
    weight = np.log2(np.maximum(ratio, 1e-3) / threshold)
    return np.clip(weight, -_MOST_PER_UPDATE, _MOST_PER_UPDATE).astype(np.float32)


class DelayTracker:
    """The echo delay of every slot."""

    def __init__(self, slots: int, max_delay_ms: int) -> None:
        self._lags = max_delay_ms * RATE_HZ // 1000 + _SPREAD
        self.history = int(fft.next_fast_len(self._lags + _WINDOW, real=True))
        """Samples of both rings that an update looks back on."""
        bins = np.arange(self.history // 2 + 1) * RATE_HZ / self.history
        self._band = (bins >= _BAND_HZ[0]) & (bins <= _BAND_HZ[1])
        self._scale = np.float32(self.history / (2 * self._band.sum()))
        self._slow = np.zeros((slots, self._lags), np.float32)
        self._quick = np.zeros((slots, self._lags), np.float32)
        self._learned = np.zeros((slots, self._lags), np.bool_)
        self._noise = np.full(slots, np.inf, np.float32)
        self._score = np.zeros(slots, np.float32)
        self._rival = np.full(slots, -_NEAR, np.intp)
        self._rival_score = np.zeros(slots, np.float32)
        self.lag_samples = np.zeros(slots, np.intp)
        """[slots] the echo's lag at 8 kHz; meaningless until `locked`."""
        self.locked = np.zeros(slots, np.bool_)

    def reset(self, slot: int) -> None:
        """Forget everything about `slot`."""
        for memory in (self._slow, self._quick, self._learned, self._score, self._rival_score):
            memory[slot] = 0
        self._noise[slot] = np.inf
        self._rival[slot] = -_NEAR
        self.locked[slot] = False

    @property
    def confidence(self) -> Audio:
        """[slots] 0..1, 0 before the first lock; a lag that a rival contradicts falls below 0.5."""
        doubt = 2 * self._rival_score / _MOVE_SCORE
        sure = np.clip(self._score / _MAX_SCORE - doubt / 4, 0, 1)
        return np.where(self.locked, sure, 0).astype(np.float32)

    def slip(self, slots: NDArray[np.intp], samples: NDArray[np.int32]) -> None:
        """Move the lags of `slots` at once by what gather itself filled or dropped, at 8 kHz."""
        for slot, by in zip(slots.tolist(), samples.tolist(), strict=True):
            for memory in (self._slow, self._quick, self._learned):
                memory[slot] = np.roll(memory[slot], by)
            self._rival[slot] += by
            self.lag_samples[slot] = min(max(self.lag_samples[slot] + by, 0), self._lags - 1)

    def update(self, rows: NDArray[np.intp], caller: AudioRing, played: AudioRing) -> None:
        """Look at the newest audio of `rows`, which are due.

        Args:
            rows: slots, each once.
            caller: the callers' audio at 8 kHz.
            played: what was played, at 8 kHz, its newest sample as old as `caller`'s.
        """
        heard = caller.last(_WINDOW)[rows]
        reference = played.last(self.history)[rows]
        audible = self._audible_lags(reference)
        worth = self._above_noise(rows, heard) & (audible.sum(axis=1) > _LEAST_LAGS)
        rows, audible = rows[worth], audible[worth]
        if rows.size == 0:
            return

        correlation = self._correlate(heard[worth], reference[worth])
        for memory, rate in ((self._slow, _SLOW), (self._quick, _QUICK)):
            old = memory[rows]
            memory[rows] = np.where(audible, old + rate * (correlation - old), old)
        self._learned[rows] |= audible
        self._judge(rows)

    def _above_noise(self, rows: NDArray[np.intp], heard: Audio) -> NDArray[np.bool_]:
        """Follow each caller side's noise floor; true where something is above it."""
        level = np.sqrt(np.mean(heard**2, axis=1)) + 1
        self._noise[rows] = np.minimum(self._noise[rows] * _NOISE_RISE, level)
        above: NDArray[np.bool_] = level >= self._noise[rows] * _ABOVE_NOISE
        return above

    def _audible_lags(self, reference: Audio) -> NDArray[np.bool_]:
        """[rows, lags] where the reference's window at that lag holds sound."""
        total = np.zeros((len(reference), self.history + 1), np.float64)
        np.cumsum(reference.astype(np.float64) ** 2, axis=1, out=total[:, 1:])
        ends = total[:, self.history - np.arange(self._lags)]
        starts = total[:, self.history - _WINDOW - np.arange(self._lags)]
        audible: NDArray[np.bool_] = ends - starts > _WINDOW * float(_AUDIBLE) ** 2
        return audible

    def _correlate(self, heard: Audio, reference: Audio) -> Audio:
        """[rows, lags] whitened cross-correlation; a pure delayed copy gives 1 at its lag."""
        padded = np.zeros_like(reference)
        padded[:, -_WINDOW:] = heard
        cross = fft.rfft(padded, axis=1) * np.conj(fft.rfft(reference, axis=1))
        cross /= np.abs(cross) + np.float32(1e-9)
        cross[:, ~self._band] = 0
        return fft.irfft(cross, n=self.history, axis=1)[:, : self._lags] * self._scale

    def _arrivals(
        self, memory: Audio, learned: NDArray[np.bool_], near: NDArray[np.intp] | None = None
    ) -> _Arrivals:
        """The strongest 5 ms of each row of `memory`, all over or within _NEAR of `near`."""
        total = np.zeros((len(memory), self._lags + 1), np.float64)
        np.cumsum(memory.astype(np.float64) ** 2, axis=1, out=total[:, 1:])
        energy = total[:, _SPREAD:] - total[:, :-_SPREAD]
        known = learned[:, : energy.shape[1]]
        mean = np.sum(energy, axis=1, where=known) / np.maximum(known.sum(axis=1), 1) + 1e-12
        energy = (energy / mean[:, None]).astype(np.float32)
        searched = energy
        if near is not None:
            away = np.abs(np.arange(energy.shape[1]) - near[:, None]) > _NEAR
            searched = np.where(away, np.float32(0), energy)
        best = searched.argmax(axis=1)
        row = np.arange(len(memory))
        noise = np.sqrt(mean / _SPREAD).astype(np.float32)
        return _Arrivals(_first_arrivals(memory, best, noise), energy[row, best], energy)

    def _judge(self, rows: NDArray[np.intp]) -> None:
        """Weigh what the memories of `rows` say for or against the lags held."""
        locked, lag = self.locked[rows], self.lag_samples[rows]
        learned = self._learned[rows]
        found = self._arrivals(self._slow[rows], learned)
        threshold = np.where(locked, _STANDS_OUT_FAR, _STANDS_OUT).astype(np.float32)
        far = (np.abs(found.lag - lag) > _NEAR) & (found.ratio > _STANDS_OUT_FAR)
        close = locked & ~far
        if close.any():
            found.take(self._arrivals(self._quick[rows], learned, near=lag), close)
            threshold[close] = _STANDS_OUT

        weight = _evidence(found.ratio, threshold)
        same = locked & (np.abs(found.lag - lag) <= _SAME)
        contradicted = locked & ~same
        here = _energy_at(found.energy, lag)
        weight[contradicted & (here >= found.ratio / 2)] = -1
        self._confirm(rows[same], found.lag[same], weight[same], found.ratio[same])
        self._doubt(rows[~same], found.lag[~same], weight[~same])

    def _confirm(
        self, rows: NDArray[np.intp], lag: NDArray[np.intp], weight: Audio, ratio: Audio
    ) -> None:
        """The lag held was found again: follow it closely, and be surer of it."""
        drifted = (np.abs(lag - self.lag_samples[rows]) > _DRIFT) & (ratio > 2 * _STANDS_OUT)
        self.lag_samples[rows[drifted]] = lag[drifted]
        self._score[rows] = np.minimum(_MAX_SCORE, self._score[rows] + np.maximum(weight, 0))
        self._rival_score[rows] = 0

    def _doubt(self, rows: NDArray[np.intp], lag: NDArray[np.intp], weight: Audio) -> None:
        """Another lag than the one held was found: believe it once it has won often enough."""
        again = np.abs(lag - self._rival[rows]) <= _SAME
        score = np.where(again, self._rival_score[rows], 0) + weight
        self._rival[rows] = lag
        self._rival_score[rows] = np.maximum(score, 0)
        self._score[rows] = np.maximum(self._score[rows] - np.maximum(weight, 0), 0)
        needed = np.where(self.locked[rows], _MOVE_SCORE, _LOCK_SCORE)
        won = rows[score >= needed]
        self.lag_samples[won] = self._rival[won]
        self.locked[won] = True
        self._score[won] = _START_SCORE
        self._rival_score[won] = 0


def _first_arrivals(memory: Audio, best: NDArray[np.intp], noise: Audio) -> NDArray[np.intp]:
    """The lag of the first arrival up to 20 ms before, or within, the strongest 5 ms."""
    row = np.arange(len(memory))[:, None]
    strongest = np.abs(memory[row, best[:, None] + np.arange(_SPREAD)]).max(axis=1)
    lags = np.maximum(best[:, None] + np.arange(-_EARLIER, _SPREAD), 0)
    height = np.abs(memory[row, lags])
    least = np.minimum(np.maximum(_FIRST * strongest, _FIRST_SIGMAS * noise), strongest)
    first = (height >= least[:, None]).argmax(axis=1)
    lag: NDArray[np.intp] = lags[np.arange(len(memory)), first]
    return lag


def _energy_at(energy: Audio, lag: NDArray[np.intp]) -> Audio:
    """[rows] the most energy that any 5 ms around `lag` hold."""
    around = np.clip(lag[:, None] + np.arange(-_SPREAD, _SPREAD // 2), 0, energy.shape[1] - 1)
    nearby: Audio = energy[np.arange(len(energy))[:, None], around].max(axis=1)
    return nearby
