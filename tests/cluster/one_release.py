"""One release of the chart for all tests of a file, observers beside it, and an agent to call."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from asterisk.callers import talks_on

from cluster.jaeger import Jaeger, jaeger_program
from cluster.operators import voice_agent
from cluster.policies import enforced
from cluster.product import Images, Product
from cluster.releases import Release, without_crd
from cluster.rig import Cluster, Json

__all__ = ["jaeger_program"]

TALKER: Final = "talker"
NUMBER: Final = "700"
ASTERISK_METRICS: Final = 9100


@pytest.fixture(scope="module")
def jaeger(
    cluster: Cluster, jaeger_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jaeger]:
    """Where pods reach it."""
    log = tmp_path_factory.mktemp("jaeger") / "log"
    with Jaeger(jaeger_program, log, cluster.own_address) as running:
        yield running


@pytest.fixture(scope="module")
def product(
    cluster: Cluster, media_image: str, operator_image: str, asterisk_image: str,
    shared_namespace: str, jaeger: Jaeger,
) -> Iterator[Product]:  # fmt: skip
    """The chart, installed with its defaults but for images, observers, and the cluster's ports.

    NetworkPolicies count meanwhile.
    """
    values = Images(operator_image, media_image, asterisk_image).values()
    values["networkPolicy"] = {
        "apiServerPorts": _ports(cluster, "default", "kubernetes"),
        "dnsPorts": _ports(cluster, "kube-system", "kube-dns"),
    }
    values["telemetry"] = {"otlpEndpoint": jaeger.otlp}
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
