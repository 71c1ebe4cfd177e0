"""The custom metrics API of a process on this machine, as the cluster's own."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from voiceagent_operator.kube.kinds import Json

GROUP = "custom.metrics.k8s.io"
VERSIONS = ("v1beta1", "v1beta2")
AVAILABLE_WITHIN_S = 20.0


def serving_certificate(cluster: Cluster, namespace: str, port: int) -> tuple[Path, Path]:
    """Certificate and key by which the API server knows the process."""
    if not cluster.own:
        pytest.skip("registers an APIService, of which a cluster may have one already")
    names = f"DNS:metrics.{namespace}.svc,IP:{cluster.own_address}"
    return cluster.issue_cert(f"metrics-{port}", names, "/CN=metrics")


@contextmanager
def registered(cluster: Cluster, namespace: str, port: int) -> Iterator[None]:
    """The process that listens on `port` serves custom.metrics.k8s.io."""
    try:
        cluster.apply(_registration(cluster, namespace, port))
        cluster.wait_for("available", lambda: _available(cluster), AVAILABLE_WITHIN_S)
        yield
    finally:
        # Otherwise no namespace of the cluster can be deleted any more.
        services = [f"{version}.{GROUP}" for version in VERSIONS]
        cluster.run("delete", "apiservice", *services, "--ignore-not-found")


def _registration(cluster: Cluster, namespace: str, port: int) -> list[Json]:
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "metrics", "namespace": namespace},
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]},
    }
    slice_: Json = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "metrics-outside",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": "metrics"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [cluster.own_address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
    return [service, slice_, *(_api_service(cluster, namespace, each) for each in VERSIONS)]


def _api_service(cluster: Cluster, namespace: str, version: str) -> Json:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 200,
            "caBundle": base64.b64encode(cluster.ca.read_bytes()).decode(),
            "service": {"name": "metrics", "namespace": namespace, "port": 443},
        },
    }


def _available(cluster: Cluster) -> bool:
    services = [cluster.get("apiservice", None, f"{version}.{GROUP}") for version in VERSIONS]
    conditions = [service.get("status", {}).get("conditions", []) for service in services]
    return all(
        any((each["type"], each["status"]) == ("Available", "True") for each in several)
        for several in conditions
    )
