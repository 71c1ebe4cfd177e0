"""The receptionist of the examples on a cluster, its model server, and who calls it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml

from asterisk.callers import said
from cluster.cluster import Cluster, Json
from cluster.model_server import ModelServer, Reply, serving
from interject_lab.call_record import CallRecord
from interject_lab.telephones.caller import Caller, Cue, PlannedUtterance

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "receptionist.yaml"
AGENT: Final = "receptionist"
SPEAKS: Final = ("llm", "stt", "tts")
"""Settings of its providers, each of which has the key."""
QUESTION: Final = "how much is an inspection"
ANSWER_HZ, TRANSFER_HZ = 900.0, 1300.0
_RATE_HZ: Final = 8000
_NEAR_HZ: Final = 20.0


@pytest.fixture
async def models(cluster: Cluster) -> AsyncIterator[ModelServer]:
    """A server that knows the price of an inspection, and transfers who asks for another or keys
    1."""
    transfer = Reply("Please hold the line.", TRANSFER_HZ, "transfer", {"place": "sales"})
    async with serving(cluster.own_address) as server:
        server.said = QUESTION
        server.replies = {
            "keyed: 1": transfer,
            "new chain": transfer,
            QUESTION: Reply("An inspection costs 49 euros.", ANSWER_HZ),
        }
        yield server


def receptionist(namespace: str, models: ModelServer, **spec: Any) -> Json:
    """The example, with another server and a size that suits one node, and `spec` laid over it."""
    document: Json = yaml.safe_load(EXAMPLE.read_text())
    document["metadata"]["namespace"] = namespace
    for block in SPEAKS:
        document["spec"][block] |= {"baseUrl": models.url}
    document["spec"] |= {"replicas": 1, "capacity": {"calls": 4}} | spec
    return document


def make_secret(cluster: Cluster, namespace: str, key: str) -> None:
    """As the how-to for providers says."""
    done = cluster.run(
        "create", "secret", "generic", "openai", f"--from-literal=api-key={key}", "-n", namespace
    )
    assert done.returncode == 0, done.stderr


def asks_for_the_price() -> Caller:
    """Asks once the greeting is over."""
    pcm = said(QUESTION, "en-gb+f2", _RATE_HZ)
    return Caller([PlannedUtterance(QUESTION, pcm, Cue.BOT_SILENT, 0.6)], _RATE_HZ)


def heard_s(record: CallRecord, pitch_hz: float) -> float:
    """For how long the caller heard a tone of this pitch, in seconds.

    Counted in windows of 100 ms, most of whose energy is near it.
    """
    size = record.rate_hz // 10
    windows = record.bot[: record.bot.size // size * size].reshape(-1, size).astype(np.float64)
    power = np.abs(np.fft.rfft(windows * np.hanning(size))) ** 2
    near = np.abs(np.fft.rfftfreq(size, 1 / record.rate_hz) - pitch_hz) <= _NEAR_HZ
    total = power.sum(axis=1)
    return float(np.sum((power[:, near].sum(axis=1) > 0.5 * total) & (total > 0))) / 10
