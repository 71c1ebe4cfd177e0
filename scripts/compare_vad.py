"""Compare Silero's own JIT model with the same network as matrix products: cost and agreement.

Prints the table of docs/decisions/0002-silero-as-matrix-products.md. Run it with
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 .venv/bin/python scripts/compare_vad.py
"""

import sys
import time
from collections.abc import Callable
from importlib.resources import files
from statistics import median

import numpy as np
import torch

from media_pod.duplex.vad.silero import SileroNetwork
from media_pod.providers.builtin.espeak import synthesize

RATE_HZ = 8000
ROWS = (1, 16, 64, 128)
REPEATS = 30
TEXT = "The quick brown fox jumps over the lazy dog, and then it waits for somebody to answer."


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    model = torch.jit.load(str(files("silero_vad") / "data" / "silero_vad.jit"))
    network = SileroNetwork(RATE_HZ)
    sys.stdout.write(f"largest difference in probability: {_difference(model, network):.1e}\n\n")
    sys.stdout.write("| calls | JIT, called per call, us | JIT, one batch, us | products, us |\n")
    sys.stdout.write("|---|---|---|---|\n")
    for rows in ROWS:
        cells = " | ".join(f"{cost / rows:.0f}" for cost in _costs(model, network, rows))
        sys.stdout.write(f"| {rows} | {cells} |\n")


def _difference(model: torch.jit.ScriptModule, network: SileroNetwork) -> float:
    """Over the windows of a spoken sentence, states carried along."""
    audio = np.concatenate([speech.pcm for speech in synthesize(TEXT, RATE_HZ)]) / 32768
    windows = audio[: audio.size // network.window * network.window].astype(np.float32)
    state = np.zeros((1, 256), np.float32)
    context = np.zeros(network.context, np.float32)
    model.reset_states()
    worst = 0.0
    for window in windows.reshape(-1, network.window):
        theirs = float(model(torch.from_numpy(window)[None], RATE_HZ))
        ours, state = network(np.concatenate([context, window])[None], state)
        context = window[-network.context :]
        worst = max(worst, abs(theirs - float(ours[0])))
    return worst


def _costs(
    model: torch.jit.ScriptModule, network: SileroNetwork, rows: int
) -> tuple[float, float, float]:
    """Microseconds for one window of all rows, the three ways."""
    rng = np.random.default_rng(rows)
    audio = rng.normal(0, 0.1, (rows, network.context + network.window)).astype(np.float32)
    batch = torch.from_numpy(audio[:, network.context :].copy())
    state = np.zeros((rows, 256), np.float32)

    def one_by_one() -> None:
        model.reset_states()
        for row in batch:
            model(row[None], RATE_HZ)

    def batched() -> None:
        model.reset_states()
        model(batch, RATE_HZ)

    return (
        _microseconds(one_by_one),
        _microseconds(batched),
        _microseconds(lambda: network(audio, state)),
    )


def _microseconds(work: Callable[[], object]) -> float:
    for _ in range(5):
        work()
    times = []
    for _ in range(REPEATS):
        began = time.thread_time()
        work()
        times.append((time.thread_time() - began) * 1e6)
    return median(times)


if __name__ == "__main__":
    main()
