"""Fits the judge's network to recorded calls.

A dense layer with ReLU, a GRU (Cho et al. 2014), three logits. Truncated back-propagation through
time: windows of up to 5 s in order, with the state carried from one to the next from the call's
first tick on, so that the network learns the first utterance as it will meet it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from interject_lab.training.labels import output_weights
from interject_lab.training.recording import Recordings

WINDOW_TICKS: Final = 250
BATCH_CALLS: Final = 48
_LEARNING_RATE: Final = 4e-3
_WEIGHT_DECAY: Final = 1e-2
_DROPOUT: Final = 0.1
_FEATURE_NOISE: Final = 0.05
_LARGEST_NORM: Final = 1.0

Weights = Mapping[str, NDArray[np.float32]]


class JudgeNetwork(nn.Module):  # type: ignore[misc]  # torch is not followed: its types take minutes
    """[calls, ticks, features] to [calls, ticks, 3] logits, and the state."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.dense = nn.Linear(features, units)
        self.dropout = nn.Dropout(_DROPOUT)
        self.gru = nn.GRU(units, units, batch_first=True)
        self.out = nn.Linear(units, 3)

    def forward(
        self, features: torch.Tensor, state: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        hidden, state = self.gru(self.dropout(torch.relu(self.dense(features))), state)
        return self.out(hidden), state

    def exported(self) -> Weights:
        """The weights by the names of `judge.network`."""
        return {
            name: value.detach().numpy().astype(np.float32)
            for name, value in self.state_dict().items()
        }


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the calls gave."""

    network: int
    """From 0."""
    number: int
    """From 1."""
    train_loss: float
    validation_loss: float


def fit(
    train: Recordings,
    validation: Recordings,
    units: int,
    epochs: int,
    seed: int,
    number: int,
    on_epoch: Callable[[Epoch], None],
) -> JudgeNetwork:
    """The network of the epoch with the least loss on `validation`."""
    rng = np.random.default_rng([seed, number])
    torch.manual_seed(int(rng.integers(2**32)))
    network = JudgeNetwork(train.features.shape[2], units)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    calls, ticks = train.features.shape[:2]
    batches, windows = -(-calls // BATCH_CALLS), -(-ticks // WINDOW_TICKS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=_LEARNING_RATE, total_steps=epochs * batches * windows
    )
    best, least = _copied(network), float("inf")
    for epoch_number in range(1, epochs + 1):
        network.train()
        losses = []
        for chosen in np.array_split(rng.permutation(calls), batches):
            losses += _pass(network, train, np.sort(chosen), optimizer, schedule)
        epoch = Epoch(number, epoch_number, float(np.mean(losses)), loss_on(network, validation))
        on_epoch(epoch)
        if epoch.validation_loss < least:
            least = epoch.validation_loss
            best = _copied(network)
    network.load_state_dict(best)
    network.eval()
    return network


def _copied(network: JudgeNetwork) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def loss_on(network: JudgeNetwork, recordings: Recordings) -> float:
    """The loss per tick on calls that are not learned from."""
    network.eval()
    with torch.no_grad():
        losses = [
            _pass(network, recordings, chosen)
            for chosen in np.array_split(
                np.arange(len(recordings.features)), max(len(recordings.features) // 64, 1)
            )
        ]
    return float(np.mean([loss for each in losses for loss in each]))


def _pass(
    network: JudgeNetwork,
    recordings: Recordings,
    chosen: NDArray[np.int64],
    optimizer: torch.optim.Optimizer | None = None,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> list[float]:
    """One pass over the chosen calls, a step of the optimizer for each window.

    The last window has what is left of the calls.
    """
    features, labels = recordings.features[chosen], recordings.labels[chosen]
    weights = output_weights(labels)
    state: torch.Tensor | None = None
    losses = []
    for start in range(0, features.shape[1], WINDOW_TICKS):
        window = slice(start, start + WINDOW_TICKS)
        x = torch.from_numpy(features[:, window].astype(np.float32))
        if optimizer is not None:
            x = x + _FEATURE_NOISE * torch.randn_like(x)
        logits, state = network(x, state)
        state = state.detach()
        loss = _loss(
            logits, torch.from_numpy(labels[:, window]), torch.from_numpy(weights[:, window])
        )
        losses.append(float(loss.detach()))
        if optimizer is not None and schedule is not None:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_NORM)
            optimizer.step()
            schedule.step()
    return losses


def _loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    each = nn.functional.binary_cross_entropy_with_logits(
        logits, labels[:, :, :3], reduction="none"
    )
    total: torch.Tensor = (each * weights).sum() / weights[:, :, 0].sum()
    return total
