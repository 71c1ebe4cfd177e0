"""The telephone line between bot and caller: codec, echo, delay, noise, one tick at a time.

    bot --G.711--> echo path --delay--> loss --+--> G.711 --> what the pod hears
                                near end ------+
                                noise ---------+

A line has state and no clock: it counts samples. The delay is a schedule of steps, as jitter
buffers and hand-overs make them; a step takes effect with the first tick that begins at or after
its time, at once, and the delay between steps is constant.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from interject_lab.errors import LabError
from interject_lab.network.codecs import Law, g711_roundtrip
from interject_lab.network.levels import FULL_SCALE, active_level_dbfs
from interject_lab.network.paths import EchoPath
from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]

MAX_DELAY_MS = 2000.0


@dataclass(frozen=True, slots=True)
class DelayStep:
    """From `at_s` of the call on, the echo's delay is `delay_ms`."""

    at_s: float
    delay_ms: float


class TelephoneLine:
    """One call's line, calibrated to an echo return loss for the bot's voice.

    Args:
        rate_hz: 8000, or 16000.
        path: the source of the echo; of the same rate.
        erl_db: echo return loss: how far the active level of the echo of `bot_speech` lies below
            that of `bot_speech`; `math.inf` for a line without echo.
        delays: at least one step, the first at 0 s, in order, 0-2000 ms each.
        bot_speech: int16 [samples], a sample of what the bot will say, to calibrate on.
        law: the codec of both legs; None for a line without one.
        noise_dbfs: level of white noise at the near end; -inf for none.
        rng: for the noise.

    Raises:
        LabError: a schedule, path or calibration signal that cannot be used.
    """

    def __init__(
        self,
        rate_hz: int,
        path: EchoPath,
        *,
        erl_db: float,
        delays: Sequence[DelayStep],
        bot_speech: Pcm,
        law: Law | None = "mu",
        noise_dbfs: float = -65.0,
        rng: np.random.Generator,
    ) -> None:
        if path.rate_hz != rate_hz:
            raise LabError(f"the echo path is for {path.rate_hz} Hz, the line runs at {rate_hz} Hz")
        self.rate_hz = rate_hz
        steps = _checked(delays)
        self._path = path
        self._law = law
        self._rng = rng
        self._noise_rms = FULL_SCALE * 10 ** (noise_dbfs / 20)
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._step_starts = [self._first_sample(step) for step in steps]
        self._step_lags = [round(step.delay_ms * rate_hz / 1000) for step in steps]
        self._position = 0
        taps = path.taps * _loss_gain(path, erl_db, bot_speech)
        self._fft_size: int = fft.next_fast_len(taps.size - 1 + self._tick_samples, real=True)
        self._spectrum = fft.rfft(taps, self._fft_size)
        self._heard = np.zeros(taps.size - 1 + self._tick_samples)
        self._echo = np.zeros(max(self._step_lags) + self._tick_samples)

    def step(self, bot_frame: Pcm, near_frame: Pcm) -> Pcm:
        """One tick: takes int16 [tick] of the bot and of the caller, returns the pod's input."""
        tick = self._tick_samples
        down = bot_frame if self._law is None else g711_roundtrip(bot_frame, self._law)
        self._push(self._heard, down.astype(np.float64))
        # Overlap-save: of the circular result only the last tick is free of wrap-around.
        product = fft.rfft(self._heard, self._fft_size) * self._spectrum
        filtered = fft.irfft(product, self._fft_size)[: self._heard.size]
        self._push(self._echo, filtered[-tick:])
        end = self._echo.size - self._lag_samples(self._position)
        mixed = self._echo[end - tick : end] + near_frame
        mixed += self._rng.standard_normal(tick) * self._noise_rms
        self._position += tick
        up = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
        return up if self._law is None else g711_roundtrip(up, self._law)

    def delay_at(self, sample: int) -> float:
        """The true delay of the echo in sample `sample` of the call, in ms, the path's included."""
        lag = self._lag_samples(sample) + self._path.main_lag_samples
        return lag * 1000 / self.rate_hz

    def _lag_samples(self, sample: int) -> int:
        index = int(np.searchsorted(self._step_starts, sample, side="right")) - 1
        return self._step_lags[index]

    def _first_sample(self, step: DelayStep) -> int:
        # The small allowance keeps a time such as 0.06 s from landing one tick late.
        ticks = math.ceil(step.at_s * 1000 / TICK_MS - 1e-9)
        return ticks * self._tick_samples

    @staticmethod
    def _push(history: NDArray[np.float64], block: NDArray[np.float64]) -> None:
        history[: -block.size] = history[block.size :]
        history[-block.size :] = block


def _checked(delays: Sequence[DelayStep]) -> tuple[DelayStep, ...]:
    times = [step.at_s for step in delays]
    if not times or times[0] != 0 or times != sorted(times):
        raise LabError(f"the delay steps are at {times} s: expected times in order, the first 0")
    for step in delays:
        if not 0 <= step.delay_ms <= MAX_DELAY_MS:
            raise LabError(f"a delay of {step.delay_ms} ms: expected 0 to {MAX_DELAY_MS:.0f} ms")
    return tuple(delays)


def _loss_gain(path: EchoPath, erl_db: float, bot_speech: Pcm) -> float:
    if erl_db == math.inf:
        return 0.0
    speech_dbfs = active_level_dbfs(bot_speech, path.rate_hz)
    echo = signal.fftconvolve(bot_speech.astype(np.float64), path.taps)
    echo_dbfs = active_level_dbfs(np.asarray(echo), path.rate_hz)
    if not math.isfinite(speech_dbfs) or not math.isfinite(echo_dbfs):
        raise LabError(
            "the bot speech to calibrate the echo on is silent: expected some seconds of speech"
        )
    return float(10 ** ((speech_dbfs - erl_db - echo_dbfs) / 20))
