"""A real Kubernetes for every test in this folder, or a skip that says why not."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from _pytest.capture import CaptureManager

from cluster.chosen_cluster import cluster_to_test
from cluster.cluster import Cluster
from cluster.fixtures import api, operator
from cluster.images import asterisk_image, media_image, operator_image, probe_image
from cluster.measured import SECTION, Measured, report

__all__ = ["api", "asterisk_image", "media_image", "operator", "operator_image", "probe_image"]

CRDS = Path(__file__).resolve().parents[2] / "crds"
ESTABLISHED_S = 20

_measured = pytest.StashKey[Measured]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.cluster)
            _leave_fixtures_their_time(item)


def _leave_fixtures_their_time(item: pytest.Item) -> None:
    """A test's time limit is for the test.

    Its fixtures may build Kubernetes first, or an image. They have deadlines of their own.
    """
    own = item.get_closest_marker("timeout")
    limit = own.args if own is not None else ()
    item.add_marker(pytest.mark.timeout(*limit, func_only=True), append=False)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster that all tests share."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert isinstance(capture, CaptureManager)
    with ExitStack() as stack:
        with capture.global_and_fixture_disabled():
            found = stack.enter_context(cluster_to_test())
        yield found
        with capture.global_and_fixture_disabled():
            stack.close()


@pytest.fixture
def node(cluster: Cluster) -> Cluster:
    """The cluster, for tests whose pods have to run."""
    if not cluster.node:
        pytest.skip(cluster.no_pods)
    return cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, where Pod Security is as strict as it gets."""
    yield from _namespace(cluster)


@pytest.fixture(scope="module")
def shared_namespace(cluster: Cluster) -> Iterator[str]:
    """Such a namespace, for all tests of a file."""
    yield from _namespace(cluster)


def _namespace(cluster: Cluster) -> Iterator[str]:
    name = f"test-{uuid4().hex[:8]}"
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": enforce}}
    )
    cluster.wait_for(
        "its service account", lambda: cluster.get("serviceaccount", name, "default"), 20
    )
    yield name
    cluster.run("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def crd(cluster: Cluster) -> None:
    """The VoiceAgent resource is known to the cluster."""
    done = cluster.run("apply", "--server-side", f"--filename={CRDS}")
    assert done.returncode == 0, done.stderr
    done = cluster.run(
        "wait", "--for=condition=Established", f"--filename={CRDS}", f"--timeout={ESTABLISHED_S}s"
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> Measured:
    """Takes the figures of all cases."""
    return pytestconfig.stash.setdefault(_measured, Measured())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    report(config.stash.get(_measured, Measured()), terminalreporter, config, SECTION, "Kubernetes")
