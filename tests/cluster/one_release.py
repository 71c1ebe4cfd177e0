"""One release of the chart for all tests of a file, observers beside it, and an agent to call."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from asterisk.callers import interrupter, talks_on
from cluster.cluster import Cluster, Json
from cluster.measured import Measured, spread
from cluster.operators import until, voice_agent
from cluster.policies import enforced
from cluster.product import PAUSE_S, Heard, Images, Product
from cluster.releases import CRD, Release, without_crd
from interject_lab.call_record import CallRecord
from interject_lab.scoring.outcome import find_interruptions, find_stops, has_sound
from real_time.retry import excuses, skip_too_busy
from real_time.verdict import TRIES
from real_time.witness import witness
from rig.fixtures import jaeger_program
from rig.observers import Jaeger

__all__ = ["jaeger_program"]

TALKER: Final = "talker"
NUMBER: Final = "700"
ASTERISK_METRICS: Final = 9100
PAUSE_TICKS: Final = 25
"""Silence in the bot's stream that no speech of its own has."""
INTERRUPTIONS: Final = 2
OF_THE_NAMESPACE: Final = {"serviceaccount/default", "configmap/kube-root-ca.crt"}


@pytest.fixture(scope="module")
def jaeger(
    cluster: Cluster, jaeger_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jaeger]:
    """Where pods reach it."""
    log = tmp_path_factory.mktemp("jaeger") / "log"
    with Jaeger(jaeger_program, log, cluster.own_address) as running:
        yield running


@pytest.fixture(scope="module")
def otlp_endpoint() -> str:
    """None: pods export no traces. A file whose cases look at traces overrides it."""
    return ""


@pytest.fixture(scope="module")
def product(
    cluster: Cluster, media_image: str, operator_image: str, asterisk_image: str,
    shared_namespace: str, otlp_endpoint: str,
) -> Iterator[Product]:  # fmt: skip
    """The chart, installed with its defaults but for images, observers, the metrics API, and the
    cluster's ports.

    NetworkPolicies are enforced meanwhile.
    """
    values = Images(operator_image, media_image, asterisk_image).values()
    values["networkPolicy"] = {
        "apiServerPorts": _ports(cluster, "default", "kubernetes"),
        "dnsPorts": _ports(cluster, "kube-system", "kube-dns"),
    }
    values["metricsApi"] = {"enabled": True}
    values["telemetry"] = {"otlpEndpoint": otlp_endpoint}
    values["asterisk"]["metricsPort"] = ASTERISK_METRICS
    release = Release(cluster, shared_namespace)
    with enforced(cluster), without_crd(cluster):
        try:
            release.install(values)
            yield Product(release, values)
        finally:
            release.uninstall()


def _ports(cluster: Cluster, namespace: str, service: str) -> list[int]:
    """Where the servers behind a Service listen."""
    label = f"kubernetes.io/service-name={service}"
    slices = cluster.get_all("endpointslices", namespace, label)
    return sorted({port["port"] for each in slices for port in each["ports"]})


def talker(namespace: str, **spec: object) -> Json:
    """An agent that talks until the caller hangs up, under a number of its own."""
    usual = {
        "dialogue": talks_on(),
        "telephony": {"extensions": [NUMBER]},
        "replicas": 1,
        "capacity": {"calls": 4},
        "drain": {"timeoutSeconds": 60},
    }
    return voice_agent(namespace, TALKER, **{**usual, **spec})


async def interrupted_call(product: Product, number: str, measured: Measured) -> Heard:
    """A call on an echoing line whose caller interrupts twice; fails if the bot did not stop.

    A call that failed while the machine stalled is made again.
    """
    for _ in range(TRIES):
        with witness(product.cluster.beside_a_call()) as stalls:
            heard = await product.call(number, interrupter(INTERRUPTIONS), max_s=25.0)
        record = heard.call.record
        found = find_interruptions(record, find_stops(record, pauses(record)))
        took_ms = [each.onset_to_silence_ms for each in found]
        if (len(found) == INTERRUPTIONS and all(took_ms)) or not excuses(stalls):
            break
    else:
        skip_too_busy(stalls, f"interruptions {took_ms}")
    heard_ms = [ms for ms in took_ms if ms]
    measured.row(
        "the chart",
        "interruptions: onset to silence at the telephone, p50 / p95 / max",
        spread(heard_ms),
    )
    assert len(heard_ms) == len(found) == INTERRUPTIONS
    return heard


def pauses(record: CallRecord) -> list[int]:
    """Where in the bot's stream its longer silences begin."""
    sounds = has_sound(record.bot, record.rate_hz)
    ends = np.flatnonzero(sounds[:-1] & ~sounds[1:]) + 1
    return [
        int(end) * record.tick_samples
        for end in ends
        if not sounds[end : end + PAUSE_TICKS].any() and end + PAUSE_TICKS <= sounds.size
    ]


async def uninstalled_leaves_nothing(product: Product) -> None:
    """Uninstall the release; fails if more is left than the documents say."""
    said = await asyncio.to_thread(product.release.uninstall)
    assert CRD in said
    await until("no pod left", lambda: _no_pod(product), 60, PAUSE_S)
    left: set[str] = set()
    for kinds in ("all", "configmaps,secrets,serviceaccounts,roles,rolebindings,leases,pdb,hpa"):
        done = product.cluster.run("get", kinds, "-n", product.namespace, "-o", "name")
        left |= set(done.stdout.split())
    name = product.release.name
    assert left <= OF_THE_NAMESPACE | {
        f"lease.coordination.k8s.io/{name}-operator",
        f"secret/{name}-metrics-api-tls",
        "configmap/interject-dialplan-asterisk",
    }


async def _no_pod(product: Product) -> bool:
    return not await asyncio.to_thread(product.cluster.get_all, "pods", product.namespace, "")
