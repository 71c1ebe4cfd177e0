"""Stops whose evidence ended with the echo."""

import numpy as np
import pytest

from media_pod.duplex.decision.judge.false_stops import FalseStops


def counted(evidence: str, echo: str) -> float:
    """The count after ticks of evidence and of echo, `x` and `.`; the decision begins at the third
    tick."""
    stops = FalseStops(1)
    for tick, (heard, bot) in enumerate(zip(evidence, echo, strict=True)):
        stops.step(np.array([tick == 2]), np.array([heard == "x"]), np.array([bot == "x"]))
    return float(stops.count[0])


@pytest.mark.parametrize(
    ("evidence", "echo", "count"),
    [
        ("xxxxxxxxxx" + 30 * ".", "xxxxxxxxxx" + 30 * ".", 1),
        ("xxxxxxxxxxxxxx" + 26 * ".", "xxxxxxxxxx" + 30 * ".", 1),
        (40 * "x", "xxxxxxxxxx" + 30 * ".", 0),
        ("xxxx" + 36 * ".", "xxxxxxxxxxxxxxx" + 25 * ".", 0),
        ("xxxxxxxxxx" + 30 * ".", 40 * ".", 0),
        (100 * "x" + 30 * ".", 100 * "x" + 30 * ".", 0),
    ],
    ids=[
        "evidence that ends with the echo",
        "evidence that ends a little after it",
        "a caller who speaks on",
        "a short word before the echo ends",
        "no bot to stop",
        "a bot that did not stop",
    ],
)
def test_a_stop_is_false_if_its_evidence_ends_with_the_echo(
    evidence: str, echo: str, count: float
) -> None:
    assert counted(evidence, echo) == count


def test_a_reset_slot_has_no_past() -> None:
    stops = FalseStops(1)
    yes, no = np.array([True]), np.array([False])
    stops.step(yes, yes, yes)
    stops.reset(0)
    for _ in range(30):
        stops.step(no, no, no)
    assert stops.count[0] == 0
