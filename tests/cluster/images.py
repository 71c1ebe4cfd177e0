"""The project's own images, built here and given to the rig; what has not changed is kept."""

from pathlib import Path

import pytest
from _pytest.capture import CaptureManager

from cluster.rig import Cluster
from rig.console import UnavailableError
from rig.fixtures import rig_command

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).resolve().parent / "probe"


@pytest.fixture(scope="session")
def media_image(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """The name of the media pods' image; pods need `imagePullPolicy: Never` for it."""
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
    """The name of a small image: a server that does what its test tells it."""
    return _image(cluster, request, "probe", PROBE, PROBE / "Dockerfile")


def _image(
    cluster: Cluster, request: pytest.FixtureRequest, name: str, context: Path, file: Path
) -> str:
    if not cluster.node:
        pytest.skip("images built here run on our own rig alone, which needs root for it")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    with capture.global_and_fixture_disabled():
        try:
            repository = f"localhost/interject-{name}"
            full_name = rig_command("build-image", repository, str(context), f"--file={file}")
        except UnavailableError as error:
            pytest.skip(f"no images: {error}")
        rig_command("load-image", str(cluster.folder), full_name)
    return full_name
