"""Makes the weights of the learned judge: record, fit, choose, write."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from queue import Empty, Queue
from typing import Final

import torch

from interject_lab.material.material import Split
from interject_lab.processes import processes
from interject_lab.training.choosing import ReplayScore, choose, in_a_bank
from interject_lab.training.fitting import Epoch, JudgeNetwork, fit
from interject_lab.training.recording import CALL_S, MIX, Recordings, record
from media_pod.duplex.decision.judge.stop_rule import StopRule
from media_pod.duplex.decision.judge.weights import save

_REPORT_S: Final = 1.0

VALIDATION_SHARE: Final = 0.2
"""Calls to choose on, for each one to learn from."""

OnStep = Callable[[str], None]
OnCalls = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Size and seed of a training."""

    calls: int
    """To learn from."""
    seed: int
    corpus: Path | None
    folder: Path
    """For the recordings."""
    networks: int = 2
    units: int = 60
    epochs: int = 12
    jobs: int = 1
    call_s: float = CALL_S
    """Duration of a call."""
    mix: Mapping[str, float] = field(default_factory=lambda: MIX)
    """Shares of suites."""

    @property
    def provenance(self) -> str:
        """What the weights are made of, in a line."""
        hours = self.calls * self.call_s / 3600
        voices = "synthetic voices" if self.corpus is None else "synthetic and recorded voices"
        return (
            f"interject lab train --calls {self.calls} --seed {self.seed} --epochs {self.epochs}: "
            f"{hours:.1f} h of simulated calls with {voices}"
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a training."""

    rule: StopRule
    """As it is written."""
    chosen: ReplayScore
    candidates: list[ReplayScore]
    epochs: list[Epoch]

    def as_dict(self) -> dict[str, float]:
        """The rule."""
        return asdict(self.rule)

    def as_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows: the candidates, the chosen one marked."""
        header = list(self.candidates[0].as_dict())
        rows = []
        for candidate in self.candidates:
            name, *others = (f"{value:g}" for value in candidate.as_dict().values())
            chosen = " *" if candidate is self.chosen else ""
            rows.append([name + chosen, *others])
        return header, rows


def train(plan: TrainingPlan, out: Path, on_step: OnStep, on_calls: OnCalls) -> Trained:
    """Write the weights of `plan` to `out`.

    Raises:
        SetupError: a corpus that cannot be used.
    """

    on_step(f"recording {plan.calls} calls to learn from")
    _recorded(plan, "train", on_calls)
    on_step("recording calls to choose on")
    validation = _recorded(plan, "validation", on_calls)
    on_step(f"fitting {plan.networks} networks")
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        on_step(
            f"  network {epoch.network + 1}, epoch {epoch.number} of {plan.epochs}: loss "
            f"{epoch.train_loss:.4f}, on validation calls {epoch.validation_loss:.4f}"
        )

    networks = _fitted(plan, on_epoch)
    on_step("choosing the stop rule")
    chosen, candidates = choose(networks, validation)
    rule = in_a_bank(chosen.rule)
    save(out, [network.exported() for network in networks], rule, plan.provenance)
    return Trained(rule, chosen, candidates, epochs)


def _recorded(plan: TrainingPlan, split: Split, on_calls: OnCalls) -> Recordings:
    calls = plan.calls if split == "train" else round(plan.calls * VALIDATION_SHARE)
    return record(
        calls,
        plan.seed,
        split,
        plan.corpus,
        plan.folder,
        plan.jobs,
        on_calls,
        seconds=plan.call_s,
        mix=plan.mix,
    )


def _fitted(plan: TrainingPlan, on_epoch: Callable[[Epoch], None]) -> list[JudgeNetwork]:
    """The networks, each in a process of its own: two threads fit one no faster than one does."""
    if plan.jobs == 1:
        return [_fit(plan, number, on_epoch) for number in range(plan.networks)]
    with (
        get_context("spawn").Manager() as manager,
        processes(min(plan.jobs, plan.networks)) as pool,
    ):
        ended: Queue[Epoch] = manager.Queue()
        fits = [pool.submit(_fit, plan, number, ended.put) for number in range(plan.networks)]
        while not (all(each.done() for each in fits) and ended.empty()):
            with suppress(Empty):
                on_epoch(ended.get(timeout=_REPORT_S))
        return [each.result() for each in fits]


def _fit(plan: TrainingPlan, number: int, on_epoch: Callable[[Epoch], None]) -> JudgeNetwork:
    """Network `number` of the plan, from recordings that are there."""
    torch.set_num_threads(1)
    calls, validation = (
        _recorded(plan, split, lambda done, of: None) for split in ("train", "validation")
    )
    return fit(calls, validation, plan.units, plan.epochs, plan.seed, number, on_epoch)
