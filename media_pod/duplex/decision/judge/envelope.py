"""Correlation of the band envelopes of both directions, at every lag: echo without phase.

"Is this sound a late copy of something that was played?" The envelopes answer it within a second,
before the delay tracker has a lock, and where it never gets one: neither a codec, nor a small slip,
nor a loudspeaker that is not linear changes them much. Their lags are ticks.

Both sides' band levels are high-passed (400 ms) and correlated by recursion, with a short and a
long memory (160 and 400 ms).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media_pod.duplex.contract import TICK_MS
from media_pod.duplex.decision.judge.columns import Column
from media_pod.duplex.decision.judge.timers import log_seconds
from media_pod.duplex.features import BANDS, Levels

Floats = NDArray[np.float32]

LAGS: Final = 64
"""0 to 1.26 s in steps of a tick."""
NAMES: Final = (
    "envelope_best_short",
    "envelope_best_long",
    "envelope_short_at_best_long",
    "envelope_lead_over_second",
    "envelope_winner_held",
    "envelope_winner_lag",
    "envelope_winner_before_onset",
    "envelope_caller_modulation",
    "envelope_short_at_tracked_lag",
    "envelope_long_at_tracked_lag",
    "envelope_level_over_played_1",
    "envelope_level_over_played_2",
    "envelope_level_over_played_3",
    "envelope_level_over_played_4",
)

_HIGH_PASS: Final = np.float32(TICK_MS / 400)
_MEMORIES: Final = np.array([TICK_MS / 160, TICK_MS / 400], np.float32)[:, None, None]
"""Rates per tick of the short and of the long memory."""
_SHORT, _LONG = range(2)
_LOWEST_DB: Final = np.float32(18.0)
"""Levels below it count as it: how a line's idle noise moves is no envelope."""
_LEAST_ENERGY: Final = np.float32(2.0 * BANDS)
"""Added to both energies, dB squared: a modulation of under 1.4 dB per band correlates with
nothing."""
_SILENT_SCALE: Final = 1 / np.sqrt(_LEAST_ENERGY)
_LEAST: Final = np.float32(0.2)
"""Least correlation of a winner that counts as held: in silence every lag is as good."""
_BESIDE: Final = 2
"""Lags on each side of the winner that belong to its peak."""
_GROUPS: Final = 4
_LEVEL_DB: Final = np.float32(15.0)


class EnvelopeCorrelation:
    """Envelope features of every slot."""

    def __init__(self, slots: int) -> None:
        # Two copies, LAGS apart, keep every window contiguous, as in `AudioRing`.
        self._played = np.zeros((BANDS, slots, 2 * LAGS), np.float32)
        self._played_scale = np.full((2, slots, 2 * LAGS), _SILENT_SCALE, np.float32)
        """[memory] one over the root of the energy."""
        self._levels_db = np.zeros((LAGS, slots, BANDS), np.float32)
        self._mean_db = np.full((2, slots, BANDS), _LOWEST_DB, np.float32)
        """[caller and played] what the high-pass takes away."""
        self._cross = np.zeros((2, slots, LAGS), np.float32)
        """[memory] sums of products."""
        self._energy = np.zeros((2, 2, slots, 1), np.float32)
        """[caller and played, memory] sums of squares."""
        self._winner = np.zeros(slots, np.intp)
        self._held_ticks = np.zeros(slots, np.intp)
        self._now = 0
        self._slots = np.arange(slots)

    def reset(self, slot: int) -> None:
        """Clear the state of `slot`."""
        for ring in (self._played, self._levels_db, self._cross):
            ring[:, slot] = 0
        self._played_scale[:, slot] = _SILENT_SCALE
        self._mean_db[:, slot] = _LOWEST_DB
        self._energy[:, :, slot] = 0
        self._winner[slot] = self._held_ticks[slot] = 0

    def step(
        self,
        caller_db: Levels,
        floor_db: Levels,
        played_db: Levels,
        onset_ticks: NDArray[np.intp],
        tracked_ticks: NDArray[np.intp],
        has_lag: NDArray[np.bool_],
    ) -> list[Column]:
        """Take one tick of every slot; the columns of `NAMES`.

        Args:
            caller_db: [slots, BANDS] levels of the received audio.
            floor_db: [slots, BANDS] its noise floor.
            played_db: [slots, BANDS] levels of the played audio.
            onset_ticks: [slots] ticks since the bot began to speak.
            tracked_ticks: [slots] lag of the delay tracker, in ticks.
            has_lag: [slots] whether it has one.
        """
        self._now = (self._now + 1) % LAGS
        self._levels_db[self._now] = played_db
        heard = self._high_passed(0, np.maximum(caller_db, floor_db))
        self._keep_played(self._high_passed(1, played_db))
        short, long = self._correlations(heard)
        winner = long.argmax(axis=1)
        beside = np.abs(np.arange(LAGS) - winner[:, None]) <= _BESIDE
        best, second = self._at(long, winner), np.where(beside, np.float32(0), long).max(axis=1)
        stays = (np.abs(winner - self._winner) <= 1) & (best > _LEAST)
        self._held_ticks = np.where(stays, self._held_ticks + 1, 0)
        self._winner = winner
        tracked = np.minimum(tracked_ticks, LAGS - 1)
        over = np.maximum(caller_db, _LOWEST_DB) - np.maximum(
            self._levels_db[self._now - winner, self._slots], _LOWEST_DB
        )
        groups = over.reshape(len(over), _GROUPS, BANDS // _GROUPS).mean(axis=2) / _LEVEL_DB
        return [
            2 * short.max(axis=1),
            2 * best,
            2 * self._at(short, winner),
            4 * (best - second),
            log_seconds(self._held_ticks),
            winner / np.float32(LAGS / 2),
            np.clip((onset_ticks - winner) / np.float32(25), -2, 2),
            np.abs(heard).mean(axis=1) / 5,
            2 * self._at(short, tracked) * has_lag,
            2 * self._at(long, tracked) * has_lag,
            groups,
        ]

    def _high_passed(self, side: int, level_db: Levels) -> Levels:
        level_db = np.maximum(level_db, _LOWEST_DB)
        mean_db = self._mean_db[side]
        mean_db += _HIGH_PASS * (level_db - mean_db)
        passed: Levels = level_db - mean_db
        return passed

    def _keep_played(self, played: Levels) -> None:
        scale = self._scale(1, played)
        for copy in (self._now, self._now + LAGS):
            self._played[:, :, copy] = played.T
            self._played_scale[:, :, copy] = scale[:, :, 0]

    def _scale(self, side: int, passed: Levels) -> Floats:
        """[memory, slots, 1] one over the root of the energy, with this tick's levels in it."""
        energy = self._energy[side]
        energy += _MEMORIES * ((passed * passed).sum(axis=1)[:, None] - energy)
        scale: Floats = 1 / np.sqrt(energy + _LEAST_ENERGY)
        return scale

    def _correlations(self, heard: Levels) -> tuple[Floats, Floats]:
        """[slots, LAGS] of both memories, -1..1."""
        # The newest is at the end: the lags are the window, reversed.
        window = slice(self._now + LAGS, self._now, -1)
        products = self._played[:, :, window] * heard.T[:, :, None]
        # In pairs: a sum over the first axis would be rounded differently for a single slot.
        while len(products) > 1:
            half = len(products) // 2
            rest = products[2 * half :]
            products = products[:half] + products[half : 2 * half]
            products[: len(rest)] += rest
        self._cross += _MEMORIES * (products - self._cross)
        both: Floats = self._cross * self._played_scale[:, :, window]
        both *= self._scale(0, heard)
        return both[_SHORT], both[_LONG]

    def _at(self, correlation: Floats, lag_ticks: NDArray[np.intp]) -> Floats:
        found: Floats = correlation[self._slots, lag_ticks]
        return found
