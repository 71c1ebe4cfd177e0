"""The chart on a real API server: what comes, stays and goes, and what is refused at once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.cluster import Cluster, Json
from cluster.releases import CRD, Release, without_crd

API = "v1beta2.custom.metrics.k8s.io"
METRICS_API: Json = {"metricsApi": {"enabled": True}}
WITHIN_S = 30.0


@pytest.fixture
def release(cluster: Cluster, namespace: str) -> Iterator[Release]:
    """A release, of a cluster that has no VoiceAgent resource of another owner."""
    if not cluster.own:
        pytest.skip("installs cluster-wide objects: on the rig alone")
    release = Release(cluster, namespace)
    yield release
    release.uninstall()


@pytest.fixture
def no_crd(cluster: Cluster) -> Iterator[None]:
    """The cluster knows no VoiceAgents; afterwards as the other tests want it."""
    with without_crd(cluster):
        yield


@pytest.mark.usefixtures("no_crd")
def test_install_upgrade_and_uninstall_leave_what_is_said(release: Release) -> None:
    release.install(METRICS_API)
    before = release.versions()
    assert f"Secret/{release.name}-asterisk" in before

    release.upgrade(METRICS_API)
    assert release.versions() == before, "the same values change nothing, passwords neither"

    release.upgrade(METRICS_API | {"sample": {"extension": "200"}})
    assert "200" in release.get("configmap", "sample")["data"]["agent.yaml"]
    release.rollback()
    assert "200" not in release.get("configmap", "sample")["data"]["agent.yaml"]
    password = release.get("secret", "asterisk")["metadata"]["resourceVersion"]
    assert password == before[f"Secret/{release.name}-asterisk"]

    assert CRD in release.uninstall()
    assert release.cluster.get("crd", None, CRD)
    assert not release.cluster.get("apiservice", None, API)
    assert release.versions() == {}
    for kind in ("clusterroles", "clusterrolebindings"):
        selector = f"--selector=app.kubernetes.io/instance={release.name}"
        assert release.cluster.run("get", kind, selector, "--output=name").stdout == ""
    reader = f"{release.name}-operator-auth-reader"
    assert not release.cluster.get("rolebinding", "kube-system", reader)


@pytest.mark.usefixtures("no_crd")
def test_uninstalling_takes_the_api_services_before_their_servers(release: Release) -> None:
    release.install(METRICS_API | {"asterisk": {"enabled": False}, "sample": {"enabled": False}})
    services = [("apiservice", name) for name in (API, API.replace("beta2", "beta1"))]
    servers = [
        ("service", f"{release.name}-metrics-api"),
        ("deployment", f"{release.name}-operator"),
    ]
    for kind, name in (*services, *servers):
        _hold(release, kind, name, '["example.com/held"]')
    release.uninstall()
    try:
        # Each object is held at its deletion, whose resourceVersion says when that came.
        first, second = (
            [_deleted_at(release, *each) for each in some] for some in (services, servers)
        )
    finally:
        for kind, name in (*services, *servers):
            _hold(release, kind, name, "null")
    assert max(first) < min(second)


def _hold(release: Release, kind: str, name: str, finalizers: str) -> None:
    patch = f'{{"metadata":{{"finalizers":{finalizers}}}}}'
    place = f"--namespace={release.namespace}"
    done = release.cluster.run("patch", kind, name, place, "--type=merge", f"--patch={patch}")
    assert done.returncode == 0, done.stderr


def _deleted_at(release: Release, kind: str, name: str) -> int:
    metadata = release.cluster.get(kind, release.namespace, name)["metadata"]
    assert metadata["deletionTimestamp"]
    return int(metadata["resourceVersion"])


@pytest.mark.usefixtures("no_crd")
def test_an_upgrade_keeps_the_authority_that_the_operator_wrote(release: Release) -> None:
    release.install(METRICS_API)
    patch = '{"spec":{"caBundle":"Y2VydGlmaWNhdGU="}}'
    done = release.cluster.run("patch", "apiservice", API, "--type=merge", f"--patch={patch}")
    assert done.returncode == 0, done.stderr
    release.upgrade(METRICS_API | {"operator": {"verbose": True}})
    assert release.cluster.get("apiservice", None, API)["spec"]["caBundle"] == "Y2VydGlmaWNhdGU="


@pytest.mark.usefixtures("crd")
def test_a_second_metrics_api_is_refused_in_one_sentence(release: Release) -> None:
    other: dict[str, Any] = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": API},
        "spec": {
            "group": "custom.metrics.k8s.io",
            "version": "v1beta2",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": {"name": "prometheus-adapter", "namespace": "monitoring"},
        },
    }
    release.cluster.apply(other)
    try:
        said = release.refused(METRICS_API | {"crds": {"enabled": False}})
    finally:
        release.cluster.run("delete", "apiservice", API)
    assert "found Service monitoring/prometheus-adapter registered for custom.metrics.k8s" in said
    assert "metricsApi.enabled=false" in said


@pytest.mark.usefixtures("no_crd")
def test_a_chart_without_its_resource_is_refused(release: Release) -> None:
    said = release.refused({"crds": {"enabled": False}})
    assert "crds.enabled: found false, and no CRD voiceagents.interject.dev in the cluster" in said


@pytest.mark.usefixtures("crd")
def test_a_resource_of_another_owner_is_refused_and_can_be_used(release: Release) -> None:
    said = release.refused({})
    assert f"found {CRD} in the cluster, not owned by a Helm release; set crds.enabled=f" in said
    release.install({"crds": {"enabled": False}})


@pytest.mark.usefixtures("no_crd")
def test_a_resource_older_than_the_operator_is_refused(cluster: Cluster, release: Release) -> None:
    crds = Path(__file__).resolve().parents[2] / "crds" / f"{CRD}.yaml"
    done = cluster.run("apply", "--server-side", f"--filename={crds}")
    assert done.returncode == 0, done.stderr
    place = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/bargeIn"
    patch = json.dumps([{"op": "remove", "path": place}])
    done = cluster.run("patch", "crd", CRD, "--type=json", f"--patch={patch}")
    assert done.returncode == 0, done.stderr
    cluster.run("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=20s")
    said = release.refused({"crds": {"enabled": False}})
    assert f"found CRD {CRD} without the field VoiceAgent.spec.bargeIn, so it is older than" in said
    assert "operator 0.1.0" in said


@pytest.mark.usefixtures("crd")
@pytest.mark.parametrize(
    ("asterisk", "sentence"),
    [
        ({"phones": [{"name": "601", "existingSecret": "gone"}]}, "asterisk.phones"),
        ({"sip": {"tls": {"enabled": True, "secretName": "gone"}}}, "asterisk.sip.tls.secretName"),
    ],
)
def test_a_missing_secret_is_named(release: Release, asterisk: Json, sentence: str) -> None:
    said = release.refused({"crds": {"enabled": False}, "asterisk": asterisk})
    assert f"{sentence}: found no Secret gone in namespace {release.namespace}" in said


@pytest.mark.usefixtures("no_crd")
def test_without_keep_the_resource_goes_with_the_release(release: Release) -> None:
    release.install({"crds": {"keep": False}})
    release.uninstall()
    release.cluster.wait_for(
        "the resource gone", lambda: not release.cluster.get("crd", None, CRD), WITHIN_S
    )


@pytest.mark.usefixtures("crd")
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"monitoring": {"podMonitor": {"enabled": True}}},
            "monitoring.podMonitor.enabled: found no monitoring.coreos.com/v1/PodMonitor",
        ),
        (
            {"alerts": {"enabled": True}},
            "alerts.enabled: found no monitoring.coreos.com/v1/PrometheusRule",
        ),
        (
            {
                "metricsApi": {
                    "enabled": True,
                    "certificate": "certManager",
                    "certManager": {"issuerRef": {"name": "ca"}},
                }
            },
            "metricsApi.certificate: found no cert-manager.io/v1/Certificate",
        ),
    ],
)
def test_a_kind_that_the_cluster_does_not_have_is_named(
    release: Release, values: Json, sentence: str
) -> None:
    assert sentence in release.refused({"crds": {"enabled": False}, **values})


@pytest.mark.usefixtures("crd")
def test_an_upgrade_tells_asterisk_the_address_of_its_load_balancer(release: Release) -> None:
    values = {
        "crds": {"enabled": False},
        "asterisk": {"exposure": {"type": "loadBalancer"}, "calls": 2},
    }
    release.install(values)
    page = f"{release.name}-asterisk-0.yaml"
    assert "externalAddress" not in release.get("configmap", "asterisk")["data"][page]
    status = '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.55"}]}}}'
    done = release.cluster.run(
        "patch", "service", f"{release.name}-asterisk-0", f"--namespace={release.namespace}",
        "--subresource=status", "--type=merge", f"--patch={status}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    release.upgrade(values)
    assert "externalAddress: 192.0.2.55" in release.get("configmap", "asterisk")["data"][page]


@pytest.mark.usefixtures("crd", "release")
def test_the_owner_of_one_namespace_can_install(cluster: Cluster, namespace: str) -> None:
    user = f"owner-of-{namespace}"
    group = "rbac.authorization.k8s.io"
    head = {"apiVersion": f"{group}/v1", "metadata": {"name": "owner", "namespace": namespace}}
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    bound = {
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "owner"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    cluster.apply(
        [head | {"kind": "Role", "rules": [rule]}, head | {"kind": "RoleBinding"} | bound]
    )
    owned = Release(cluster, namespace, user)
    values = {
        "crds": {"enabled": False, "check": False},
        "operator": {"watchNamespaces": [namespace]},
    }
    owned.install(values)
    owned.upgrade(values)
    assert owned.get("role", "operator")["rules"]
    owned.uninstall()
    assert owned.versions() == {}
