"""Releases of the chart."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from cluster.cluster import Cluster, Json
from cluster.helm import HelmFailedError, helm

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "interject"
CRD = "voiceagents.interject.dev"
STILL = "serviceaccounts,roles,rolebindings,configmaps,secrets,services,networkpolicies"
WORKING = "deployments,statefulsets,jobs,poddisruptionbudgets"
"""Kinds whose status changes by itself."""


class Release:
    """One release of the chart, which is uninstalled in the end.

    Args:
        user: as whom Helm asks; the administrator if not given.
    """

    def __init__(self, cluster: Cluster, namespace: str, user: str | None = None) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.name = f"interject-{uuid4().hex[:6]}"
        self._helm = partial(helm, cluster.kubeconfig, namespace, user)

    def install(self, values: Json) -> str:
        """The notes that a user sees are not kept by Helm's library; the manifest is."""
        manifest: str = self._helm("install", CHART, self.name, values)["manifest"]
        return manifest

    def upgrade(self, values: Json) -> str:
        manifest: str = self._helm("upgrade", CHART, self.name, values)["manifest"]
        return manifest

    def rollback(self) -> None:
        self._helm("rollback", self.name)

    def test(self) -> None:
        """`helm test`; fails the test with what Helm says if it fails."""
        self._helm("test", self.name, timeout=120)

    def uninstall(self) -> str:
        """What Helm says that it has kept; empty if there is no such release."""
        info: str = self._helm("uninstall", self.name, ignore_not_found=True).get("info", "")
        return info

    def refused(self, values: Json) -> str:
        with pytest.raises(HelmFailedError) as error:
            self.install(values)
        return str(error.value)

    def get(self, kind: str, part: str) -> Json:
        return self.cluster.get(kind, self.namespace, f"{self.name}-{part}")

    def versions(self) -> dict[str, str]:
        """Of each object of the release, what changes with everything but its status."""
        found = {}
        for kinds, version in ((STILL, "resourceVersion"), (WORKING, "generation")):
            done = self.cluster.run(
                "get", kinds, f"--namespace={self.namespace}", "--output=json",
                f"--selector=app.kubernetes.io/instance={self.name}",
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            for each in json.loads(done.stdout)["items"]:
                metadata = each["metadata"]
                found[f"{each['kind']}/{metadata['name']}"] = str(metadata[version])
        return found


@contextmanager
def without_crd(cluster: Cluster) -> Iterator[None]:
    """The cluster knows no VoiceAgents; afterwards as the other tests want it."""
    cluster.run("delete", "crd", CRD, "--ignore-not-found", "--timeout=30s")
    yield
    cluster.run("delete", "crd", CRD, "--ignore-not-found", "--timeout=30s")
    done = cluster.run("apply", "--server-side", f"--filename={ROOT / 'crds'}")
    assert done.returncode == 0, done.stderr
    cluster.run("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=20s")
