import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject_lab.errors import LabError
from interject_lab.telephones.sip.network import Network, PacketPath, Stall

PACE_NS = 20_000_000


def send(network: Network, packets: int) -> list[int | None]:
    """When each of `packets` arrives that leave every 20 ms from 0 on."""
    path = PacketPath(network, 0)
    return [path.due_ns(index * PACE_NS) for index in range(packets)]


def test_a_perfect_network_changes_nothing() -> None:
    assert send(Network(), 50) == [index * PACE_NS for index in range(50)]


@pytest.mark.parametrize(("loss", "burst"), [(0.01, 1.0), (0.05, 2.0), (0.2, 4.0), (0.5, 3.0)])
def test_the_mean_loss_and_the_mean_burst_are_as_wanted(loss: float, burst: float) -> None:
    lost = np.array([due is None for due in send(Network(loss, burst), 100_000)])
    bursts = np.sum(np.diff(lost.astype(int), prepend=0) == 1)
    assert lost.mean() == pytest.approx(loss, rel=0.08)
    assert lost.sum() / bursts == pytest.approx(burst, rel=0.05)


def test_a_seed_repeats_and_loss_does_not_depend_on_jitter() -> None:
    network = Network(0.1, 2.0, jitter_ms=60.0, reorder=True, seed=4)
    assert send(network, 500) == send(network, 500)
    calm = send(Network(0.1, 2.0, seed=4), 500)
    assert [due is None for due in calm] == [due is None for due in send(network, 500)]
    assert calm != send(Network(0.1, 2.0, seed=5), 500)


@given(st.floats(0, 200), st.booleans(), st.integers(0, 50))
def test_jitter_is_bounded_and_keeps_the_order_unless_asked(
    jitter_ms: float, reorder: bool, seed: int
) -> None:
    due = np.array(send(Network(jitter_ms=jitter_ms, reorder=reorder, seed=seed), 100))
    late = due - np.arange(100) * PACE_NS
    assert late.min() >= 0
    assert late.max() <= jitter_ms * 1e6 + 1
    assert reorder or np.all(np.diff(due) >= 0)


def test_packets_overtake_if_they_may() -> None:
    due = np.array(send(Network(jitter_ms=100.0, reorder=True), 200))
    assert np.any(np.diff(due) < 0)


def test_a_stall_holds_back_what_would_arrive_in_it() -> None:
    due = send(Network(stalls=[Stall(0.1, 0.1)]), 15)
    before = [index * PACE_NS for index in range(5)]
    after = [index * PACE_NS for index in range(10, 15)]
    assert due == before + [200_000_000] * 5 + after


def test_a_path_counts() -> None:
    path = PacketPath(Network(0.3, 2.0), 0)
    arrived = [path.due_ns(index * PACE_NS) is not None for index in range(1000)]
    assert (path.passed, path.lost) == (sum(arrived), 1000 - sum(arrived))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"loss": 1.0}, "a loss of 1.0: expected a share from 0 up to below 1"),
        ({"mean_burst": 0.5}, "a mean burst of 0.5 packets: expected 1 or more"),
        ({"loss": 0.9, "mean_burst": 2.0}, "is impossible: expected bursts of 9.00 or more"),
        ({"jitter_ms": -1.0}, "a jitter of -1.0 ms: expected 0 or more"),
    ],
)
def test_what_cannot_be_is_reported(settings: dict[str, float], text: str) -> None:
    with pytest.raises(LabError, match=text):
        Network(**settings)  # type: ignore[arg-type]
