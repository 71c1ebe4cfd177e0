"""The cluster of KUBECONFIG for every test in this folder, or a visible reason why not."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.rig import Cluster

CRDS = Path(__file__).parents[2] / "crds"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that the environment names."""
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        pytest.skip("no cluster: KUBECONFIG is not set")
    programs = os.environ.get("KUBE_BIN_DIR")
    return Cluster(Path(kubeconfig), f"{programs}/kubectl" if programs else "kubectl")


@pytest.fixture(scope="session")
def crd(cluster: Cluster) -> None:
    """The CRDs of this tree, applied, and served."""
    applied = cluster.run("apply", "-f", str(CRDS))
    assert applied.returncode == 0, applied.stderr
    waited = cluster.run(
        "wait", "--for=condition=Established", "crd/voiceagents.interject.dev", "--timeout=30s"
    )
    assert waited.returncode == 0, waited.stderr


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace for one test."""
    name = f"test-{secrets.token_hex(4)}"
    made = cluster.run("create", "namespace", name)
    assert made.returncode == 0, made.stderr
    yield name
    cluster.run("delete", "namespace", name, "--wait=false")
