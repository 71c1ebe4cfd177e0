"""A stand-in for the fixtures of the cluster tests: a cluster that somebody has brought up."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cluster.cluster import Cluster, api_of
from voiceagent_operator.kube.api import ApiServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    folder = os.environ.get("RIG_DIR")
    if folder is None:
        pytest.skip("no cluster: RIG_DIR is not set")
    pairs = (line.partition("=") for line in (Path(folder) / "rig.env").read_text().splitlines())
    values = {key: value for key, _, value in pairs}
    return Cluster(Path(folder), f"{values['KUBE_BIN_DIR']}/kubectl", values["RIG_OWN_ADDR"])


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"test-{uuid4().hex[:8]}"
    cluster.run("create", "namespace", name)
    yield name
    subprocess.run(
        [cluster.kubectl, "--kubeconfig", str(cluster.kubeconfig), "delete", "namespace", name,
         "--wait=false"],
        check=False, capture_output=True, timeout=60,
    )  # fmt: skip


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[ApiServer]:
    server = await api_of(cluster)
    yield server
    await server.aclose()
