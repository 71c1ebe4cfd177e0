import math
from collections.abc import Callable

import numpy as np
import pytest

from interject_lab.errors import LabError
from interject_lab.network.impairments import Background, CarrierCanceller, Impairments, Loss

LOOP = np.full(100, 1000, np.int16)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Loss(0.3, 1.0, True), "a loss share of 0.3: expected 0 to 0.2"),
        (lambda: Loss(math.nan, 1.0, True), "a loss share of nan: expected 0 to 0.2"),
        (lambda: Loss(0.1, 0.5, True), "burst length in ticks of 0.5: expected 1 to 50"),
        (lambda: CarrierCanceller(-1, 30, -65), "ERLE in dB of -1: expected 0 to 60"),
        (lambda: CarrierCanceller(25, 300, -65), "opening time in ms of 300: expected 0 to 200"),
        (lambda: CarrierCanceller(25, 30, 3), "noise in dBFS of 3: expected -inf to 0"),
        (lambda: Background(LOOP, 6.0), "level in dBFS of 6: expected -100 to 0"),
        (lambda: Background(LOOP * 0, -40), "a background of 100 samples without sound"),
        (lambda: Background(LOOP[:0], -40), "a background of 0 samples without sound"),
        (lambda: Impairments(drift_ppm=-2000), "drift in ppm of -2000: expected -1000 to 1000"),
        (lambda: Impairments(overdrive=0.0), "an overdrive of 0: expected 0.01 to 100"),
    ],
)
def test_an_impossible_value_names_itself_and_its_range(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(LabError, match=message):
        make()
