"""What a telephone line does to a call besides echo, delay and white noise.

Plain values, checked when they are made; `TelephoneLine` applies them.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from interject_lab.errors import LabError

Pcm = NDArray[np.int16]

LowRate = Literal["gsm", "amr_4750", "amr_7950", "amr_12200"]
"""GSM 06.10 full rate at 13 kbit/s, and AMR narrowband at three of its rates, in bit/s."""

NOTHING: Final = -1
"""In place of a frame's index: a tick that carries no frame of the caller's."""

MAX_DRIFT_PPM: Final = 1000.0
"""More than twice what two clocks of +-200 ppm, a poor crystal, differ by."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss of the caller's frames on their way to the pod, in bursts (Gilbert, 1960).

    Raises:
        LabError: a value outside its range.
    """

    share: float
    """Of all frames, 0-0.2; 0 is a line that loses nothing."""
    burst_ticks: float
    """Mean length of a burst, 1-50; 1 for losses that are all single frames."""
    filled: bool
    """Whether silence is in a lost frame's place.

    If not, the next frame takes its place: the stream slips 20 ms early, and 1-4 s later a frame of
    silence puts it back. The line then sends two frames late, so that there is a next one.
    """

    def __post_init__(self) -> None:
        _check("a loss share", self.share, 0, 0.2)
        _check("a mean burst length in ticks", self.burst_ticks, 1, 50)


@dataclass(frozen=True, slots=True)
class CarrierCanceller:
    """An echo canceller of the carrier's, next to the caller (what ITU-T G.168 specifies).

    Raises:
        LabError: a value outside its range.
    """

    erle_db: float
    """What it takes out of the echo once it has converged, 0-60 dB."""
    opens_after_ms: float
    """How much of the caller's first sound over echo its nonlinear processor takes, 0-200 ms."""
    noise_dbfs: float
    """Level of its comfort noise; at most 0, -inf for digital silence.

    That of the noise on the line: sound 10 dB above it is taken for the caller's."""

    def __post_init__(self) -> None:
        _check("a carrier canceller's ERLE in dB", self.erle_db, 0, 60)
        _check("a carrier canceller's opening time in ms", self.opens_after_ms, 0, 200)
        _check("a carrier canceller's comfort noise in dBFS", self.noise_dbfs, -math.inf, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Sound around the caller that repeats, from a random place on.

    Raises:
        LabError: a level outside its range, or a loop without sound.
    """

    pcm: Pcm
    """int16 [samples], the loop, at the line's rate."""
    level_dbfs: float
    """RMS of the whole loop on the line, -100 to 0."""

    def __post_init__(self) -> None:
        _check("a background's level in dBFS", self.level_dbfs, -100, 0)
        if not np.any(self.pcm):
            raise LabError(
                f"a background of {self.pcm.size} samples without sound: expected a recording"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Impairments:
    """Everything of this kind on one line; by default none.

    Raises:
        LabError: a value outside its range.
    """

    low_rate: LowRate | None = None
    """A second codec both ways, between G.711 and the telephone; for lines at 8 kHz."""
    drift_ppm: float = 0.0
    """How fast the echo's delay grows, in microseconds per second, -1000 to 1000."""
    loss: Loss | None = None
    carrier_canceller: CarrierCanceller | None = None
    overdrive: float | None = None
    """How far above the knee of its loudspeaker the bot's active level lies, as a factor, 0.01-100.

    The knee is that of tanh: 3 clips most of a voice's peaks."""
    background: Background | None = None

    def __post_init__(self) -> None:
        _check("a clock drift in ppm", self.drift_ppm, -MAX_DRIFT_PPM, MAX_DRIFT_PPM)
        if self.overdrive is not None:
            _check("an overdrive", self.overdrive, 0.01, 100)


def _check(name: str, value: float, least: float, most: float) -> None:
    # Written so that NaN fails.
    if not least <= value <= most:
        raise LabError(f"{name} of {value:g}: expected {least:g} to {most:g}")
