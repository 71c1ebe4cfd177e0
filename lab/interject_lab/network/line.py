"""The telephone line between bot and caller: codec, echo, delay, noise, one tick at a time.

    bot --G.711--> low rate --> overdrive --> echo path --> delay --> canceller --+
                                          caller + noise + background ----^       |
    pod <--loss--- G.711 <--- low rate <------------------------------------------+

G.711, echo path, delay and noise are always there, and most lines have no more; the other parts
are `Impairments`.

A line has state and no clock: it counts samples. The delay is a schedule of steps, as jitter
buffers and hand-overs make them; a step takes effect with the first tick that begins at or after
its time, at once, and between steps the delay is constant, or drifts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from interject_lab.errors import LabError
from interject_lab.network.background_loop import BackgroundLoop
from interject_lab.network.block_filter import BlockFilter
from interject_lab.network.carrier_canceller import CarrierCancellerModel
from interject_lab.network.codecs import Law, g711_roundtrip
from interject_lab.network.downlink import Downlink
from interject_lab.network.echo_delay import EchoDelay
from interject_lab.network.impairments import Impairments, Loss
from interject_lab.network.levels import FULL_SCALE, active_level_dbfs
from interject_lab.network.lossy_uplink import LossyUplink
from interject_lab.network.low_rate import low_rate_link
from interject_lab.network.paths import EchoPath
from media_pod.duplex.contract import TICK_MS

Pcm = NDArray[np.int16]
Signal = NDArray[np.float64]

MAX_DELAY_MS = 2000.0

_NO_IMPAIRMENTS = Impairments()
_NO_LOSS = Loss(share=0.0, burst_ticks=1.0, filled=True)


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
            that of `bot_speech` where it meets the caller's sound, before a carrier's canceller;
            `math.inf` for a line without echo.
        delays: at least one step, the first at 0 s, in order, 0-2000 ms each.
        bot_speech: int16 [samples], a sample of what the bot will say, to calibrate on.
        law: the codec of both legs; None for a line without one.
        noise_dbfs: level of white noise at the near end; -inf for none.
        rng: for the noise, and for everything random in the impairments.
        impairments: what else the line does.

    Raises:
        LabError: a schedule, path, calibration signal or codec that cannot be used.
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
        impairments: Impairments = _NO_IMPAIRMENTS,
    ) -> None:
        if path.rate_hz != rate_hz:
            raise LabError(f"the echo path is for {path.rate_hz} Hz, the line runs at {rate_hz} Hz")
        self.rate_hz = rate_hz
        self._main_lag = path.main_lag_samples
        self._law = law
        self._noise_rng = rng
        self._noise_rms = FULL_SCALE * 10 ** (noise_dbfs / 20)
        self._tick_samples = tick = rate_hz * TICK_MS // 1000
        # Spawned in any case: what one impairment draws is the same with and without the others.
        loss_rng, background_rng, comfort_rng = rng.spawn(3)
        self._downlink = Downlink(impairments, bot_speech, rate_hz)
        gain = _loss_gain(path, erl_db, bot_speech, Downlink(impairments, bot_speech, rate_hz))
        self._echo_path = BlockFilter(path.taps * gain, tick)
        self._delay = _echo_delay(_checked(delays), impairments.drift_ppm, rate_hz)
        background, canceller = impairments.background, impairments.carrier_canceller
        self._background = background and BackgroundLoop(background, tick, background_rng)
        self._canceller = canceller and CarrierCancellerModel(canceller, rate_hz, comfort_rng)
        self._up_codec = impairments.low_rate and low_rate_link(impairments.low_rate, rate_hz)
        self.near_delay_samples = self._up_codec.delay_samples if self._up_codec else 0
        """How much later than in its `near_frame` the caller's sound is in a returned frame."""
        self._uplink = LossyUplink(impairments.loss or _NO_LOSS, tick, loss_rng)

    @property
    def near_tick(self) -> int:
        """The index, from 0, of the `near_frame` that the last returned frame carries.

        `NOTHING` (-1) where silence is in its place, and before the first.
        """
        return self._uplink.near_tick

    def step(self, bot_frame: Pcm, near_frame: Pcm) -> Pcm:
        """One tick: takes int16 [tick] of the bot and of the caller, returns the pod's input."""
        down = self._through_g711(bot_frame)
        echo = self._delay.step(self._echo_path.step(self._downlink.step(down)))
        near = self._noise_rng.standard_normal(self._tick_samples) * self._noise_rms + near_frame
        if self._background:
            near += self._background.step()
        mixed = self._canceller.step(echo, near) if self._canceller else echo + near
        up = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
        if self._up_codec:
            up = self._up_codec.roundtrip(up)
        return self._uplink.step(self._through_g711(up))

    def delay_at(self, sample: int) -> float:
        """The true delay of the echo in sample `sample` of the call, in ms.

        The call is the stream of returned frames; path, codecs, drift and slips are included.
        Slips after the latest step are not known yet.
        """
        late = self._uplink.lateness_at(sample // self._tick_samples) * self._tick_samples
        late += self.near_delay_samples
        lag = self._delay.lag_at(max(sample - late, 0))
        samples = lag + late + self._downlink.delay_samples + self._main_lag
        return samples * 1000 / self.rate_hz

    def _through_g711(self, pcm: Pcm) -> Pcm:
        return pcm if self._law is None else g711_roundtrip(pcm, self._law)


def _echo_delay(steps: Sequence[DelayStep], drift_ppm: float, rate_hz: int) -> EchoDelay:
    tick = rate_hz * TICK_MS // 1000
    # The small allowance keeps a time such as 0.06 s from landing one tick late.
    starts = [math.ceil(step.at_s * 1000 / TICK_MS - 1e-9) * tick for step in steps]
    lags = [round(step.delay_ms * rate_hz / 1000) for step in steps]
    return EchoDelay(starts, lags, drift_ppm, rate_hz=rate_hz, tick_samples=tick)


def _checked(delays: Sequence[DelayStep]) -> tuple[DelayStep, ...]:
    times = [step.at_s for step in delays]
    if not times or times[0] != 0 or times != sorted(times):
        raise LabError(f"the delay steps are at {times} s: expected times in order, the first 0")
    for step in delays:
        if not 0 <= step.delay_ms <= MAX_DELAY_MS:
            raise LabError(f"a delay of {step.delay_ms} ms: expected 0 to {MAX_DELAY_MS:.0f} ms")
    return tuple(delays)


def _loss_gain(path: EchoPath, erl_db: float, bot_speech: Pcm, downlink: Downlink) -> float:
    if erl_db == math.inf:
        return 0.0
    speech_dbfs = active_level_dbfs(bot_speech, path.rate_hz)
    echo = signal.fftconvolve(_played(bot_speech, downlink, path.rate_hz), path.taps)
    echo_dbfs = active_level_dbfs(np.asarray(echo), path.rate_hz)
    if not math.isfinite(speech_dbfs) or not math.isfinite(echo_dbfs):
        raise LabError(
            "the bot speech to calibrate the echo on is silent: expected some seconds of speech"
        )
    return float(10 ** ((speech_dbfs - erl_db - echo_dbfs) / 20))


def _played(bot_speech: Pcm, downlink: Downlink, rate_hz: int) -> Signal:
    """`bot_speech` from the loudspeaker, same length."""
    tick = rate_hz * TICK_MS // 1000
    padded = np.pad(bot_speech, (0, -bot_speech.size % tick))
    sound = np.concatenate([downlink.step(frame) for frame in padded.reshape(-1, tick)])
    return sound[: bot_speech.size]
