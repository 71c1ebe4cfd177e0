"""Makes the weights of the learned judge: record, fit, choose, write."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch

from interject_lab.training.choosing import ReplayScore, choose
from interject_lab.training.fitting import Epoch, JudgeNetwork, fit
from interject_lab.training.recording import CALL_S, record
from media_pod.duplex.decision.judge.stop_rule import StopRule
from media_pod.duplex.decision.judge.weights import save

VALIDATION_SHARE: Final = 0.2
"""Calls to choose on, for each one to learn from."""

OnStep = Callable[[str], None]
OnCalls = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Size and seed of a training."""

    calls: int
    """To learn from, of 40 s each."""
    seed: int
    corpus: Path | None
    folder: Path
    """For the recordings."""
    networks: int = 2
    units: int = 48
    epochs: int = 12
    jobs: int = 1

    @property
    def provenance(self) -> str:
        """What the weights are made of, in a line."""
        hours = self.calls * CALL_S / 3600
        voices = "synthetic voices" if self.corpus is None else "synthetic and recorded voices"
        return (
            f"interject lab train --calls {self.calls} --seed {self.seed} --epochs {self.epochs}: "
            f"{hours:.1f} h of simulated calls with {voices}"
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a training."""

    rule: StopRule
    candidates: list[ReplayScore]
    epochs: list[Epoch]

    def as_dict(self) -> dict[str, float]:
        """The chosen rule."""
        return asdict(self.rule)

    def as_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows: the candidates, the chosen one marked."""
        header = list(self.candidates[0].as_dict())
        rows = []
        for candidate in self.candidates:
            name, *others = (f"{value:g}" for value in candidate.as_dict().values())
            chosen = " *" if candidate.rule == self.rule else ""
            rows.append([name + chosen, *others])
        return header, rows


def train(plan: TrainingPlan, out: Path, on_step: OnStep, on_calls: OnCalls) -> Trained:
    """Write the weights of `plan` to `out`.

    Raises:
        SetupError: a corpus that cannot be used.
    """
    on_step(f"recording {plan.calls} calls to learn from")
    calls = record(plan.calls, plan.seed, "train", plan.corpus, plan.folder, plan.jobs, on_calls)
    on_step("recording calls to choose on")
    validation = record(
        round(plan.calls * VALIDATION_SHARE), plan.seed, "validation", plan.corpus, plan.folder,
        plan.jobs, on_calls,
    )  # fmt: skip
    torch.set_num_threads(plan.jobs)
    networks: list[JudgeNetwork] = []
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        on_step(
            f"  epoch {epoch.number} of {plan.epochs}: loss {epoch.train_loss:.4f}, "
            f"on validation calls {epoch.validation_loss:.4f}"
        )

    for number in range(plan.networks):
        on_step(f"network {number + 1} of {plan.networks}")
        seed = plan.seed + 1000 * number
        networks.append(fit(calls, validation, plan.units, plan.epochs, seed, on_epoch))
    rule, candidates = choose(networks, validation)
    save(out, [network.exported() for network in networks], rule, plan.provenance)
    return Trained(rule, candidates, epochs)
