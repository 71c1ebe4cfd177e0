"""The project's own images, built here and given to the cluster; unchanged ones are kept."""

import os
from pathlib import Path

import pytest
from _pytest.capture import CaptureManager

from cluster.cluster import Cluster
from rig.console import UnavailableError
from rig.fixtures import rig_command
from rig.nodes import CONTAINERD

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).resolve().parent / "probe"
WHERE = os.environ.get("INTERJECT_TEST_IMAGES", "")
"""How a foreign cluster gets images; see `rig.nodes.nodes_of`."""
PULL_POLICY = "IfNotPresent" if WHERE and not WHERE.startswith(CONTAINERD) else "Never"
"""Of pods: their nodes pull from a registry, or have the images already."""


@pytest.fixture(scope="session")
def media_image(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The name of the media pods' image; pods need `PULL_POLICY` for it."""
    return _image(cluster, request, "media-pod", ROOT, ROOT / "media_pod" / "Dockerfile")


@pytest.fixture(scope="session")
def operator_image(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The name of the operator's image."""
    return _image(cluster, request, "operator", ROOT, ROOT / "operator" / "Dockerfile")


@pytest.fixture(scope="session")
def asterisk_image(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The name of Asterisk's image."""
    return _image(cluster, request, "asterisk", ROOT, ROOT / "asterisk-image" / "Dockerfile")


@pytest.fixture(scope="session")
def probe_image(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The name of a small image: a server that its test controls."""
    return _image(cluster, request, "probe", PROBE, PROBE / "Dockerfile")


def _image(
    cluster: Cluster, request: pytest.FixtureRequest, name: str, context: Path, file: Path
) -> str:
    if not cluster.node:
        pytest.skip(cluster.no_pods)
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    with capture.global_and_fixture_disabled():
        try:
            return rig_command(
                "give-image", str(cluster.kubeconfig), f"localhost/interject-{name}", str(context),
                f"--file={file}", f"--images={WHERE}",
            )  # fmt: skip
        except UnavailableError as error:
            pytest.skip(f"no images: {error}")
