"""How a carrier's echo canceller changes a call.

A model of the outcome, not a canceller: it is told the echo and the caller's sound apart. What it
imitates is what ITU-T G.168 asks of a canceller and of its nonlinear processor (annex B): the echo
loses an amount that grows while the canceller adapts; the rest is replaced by comfort noise while
it is all there is; in double talk the processor stands aside, late, and stays aside through pauses
between syllables.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from interject_lab.network.impairments import CarrierCanceller
from interject_lab.network.levels import FULL_SCALE

Signal = NDArray[np.float64]

_BLOCK_MS: Final = 5
_CONVERGES_IN_MS: Final = 500
"""Of echo, the loss in dB growing evenly. G.168's test of convergence gives a canceller 1 s."""
_HANGOVER_MS: Final = 150
"""Longer than the pauses between syllables."""
_NEAR_OVER_NOISE: Final = 10.0
"""Power: the caller's sound counts from 10 dB above the comfort noise."""
_NEAR_OVER_RESIDUAL: Final = 2.0
"""Power: and from 3 dB above what is left of the echo."""


class CarrierCancellerModel:
    """One call's canceller; ticks are whole blocks of 5 ms.

    Args:
        settings: of the canceller.
        rate_hz: of the line.
        rng: for the comfort noise.
    """

    def __init__(self, settings: CarrierCanceller, rate_hz: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._erle_db = settings.erle_db
        self._opens_after_ms = settings.opens_after_ms
        self._noise_rms = FULL_SCALE * 10 ** (settings.noise_dbfs / 20)
        self._block = rate_hz * _BLOCK_MS // 1000
        self._fade = np.arange(1, self._block + 1) / self._block
        self._adapted_ms = 0
        self._near_ms = 0.0
        """Of the caller's sound lately, what pauses took off it."""
        self._near_hangover_ms = 0
        self._echo_hangover_ms = 0
        self._gate = 1.0
        """1 lets sound through, 0 sends comfort noise."""

    def step(self, echo: Signal, near: Signal) -> Signal:
        """One tick of what leaves the caller's side, float64 [tick].

        Args:
            echo: float64 [tick], on the scale of int16.
            near: float64 [tick], the caller and all noise.
        """
        converged = min(self._adapted_ms / _CONVERGES_IN_MS, 1.0)
        residual = echo * 10 ** (-self._erle_db * converged / 20)
        sounds = np.stack((echo, residual, near)).reshape(3, -1, self._block)
        levels = np.einsum("stb,stb->ts", sounds, sounds) / self._block
        gate = np.concatenate([self._gate_of(*block) for block in levels.tolist()])
        comfort = self._rng.standard_normal(echo.size) * self._noise_rms
        return np.asarray(comfort + (near + residual - comfort) * gate)

    def _gate_of(self, echo: float, residual: float, near: float) -> Signal:
        """float64 [block] of the gate, from the block's mean squares; a change is a ramp."""
        noise = self._noise_rms**2
        if echo > noise:
            self._adapted_ms += _BLOCK_MS
            self._echo_hangover_ms = _HANGOVER_MS
        else:
            self._echo_hangover_ms = max(self._echo_hangover_ms - _BLOCK_MS, 0)
        self._hear_near(near > max(noise * _NEAR_OVER_NOISE, residual * _NEAR_OVER_RESIDUAL))
        open_now = self._echo_hangover_ms == 0 or self._near_hangover_ms > 0
        before, self._gate = self._gate, float(open_now)
        return before + (self._gate - before) * self._fade

    def _hear_near(self, heard: bool) -> None:
        if not heard:
            self._near_ms = max(self._near_ms - _BLOCK_MS, 0.0)
            self._near_hangover_ms = max(self._near_hangover_ms - _BLOCK_MS, 0)
            return
        self._near_ms = min(self._near_ms + _BLOCK_MS, self._opens_after_ms + _BLOCK_MS)
        if self._near_hangover_ms or self._near_ms > self._opens_after_ms:
            self._near_hangover_ms = _HANGOVER_MS
