import numpy as np

from lab.instruments import DeafBank, Instrument, PerfectBank, RandomBank
from media_pod.duplex.contract import Decision

FRAME = np.full((2, 160), 3000, np.int16)


def run(bank: Instrument, ticks: int) -> list[list[int]]:
    return [bank.step(FRAME, FRAME).decision.tolist() for _ in range(ticks)]


def test_the_perfect_one_follows_the_truth_from_the_opening_of_the_call() -> None:
    truth = [np.array([False, True, True, False]), np.array([True])]
    bank = PerfectBank(8000, truth)
    run(bank, 3)
    bank.open(0)
    assert [row[0] // Decision.CALLER for row in run(bank, 5)] == [0, 1, 1, 0, 0]
    assert bank.step(FRAME, FRAME).cleaned[1].max() == 0


def test_the_deaf_one_hears_nobody() -> None:
    bank = DeafBank(2, 8000)
    bank.open(0)
    assert run(bank, 50) == [[Decision.NONE] * 2] * 50


def test_the_random_one_decides_at_its_rate_and_the_same_every_time() -> None:
    bank = RandomBank(2, 8000, per_s=5.0, seed=1)
    bank.open(1)
    first = run(bank, 5000)
    decided = sum(row[1] == Decision.CALLER for row in first)
    assert 400 < decided < 600
    assert not any(row[0] for row in first)
    bank.close(1)
    bank.open(1)
    assert run(bank, 5000) == first
