"""Which cluster the tests run on: the one that was named, else a rig for this session.

A kubeconfig in its usual place is never used: it may be of a cluster in service. The cluster has to
be named, by `make test-cluster KUBECONFIG=FILE` or with INTERJECT_TEST_CLUSTER=1 beside KUBECONFIG.
"""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cluster.cluster import Cluster
from cluster.images import WHERE
from cluster.traces import settings, traces
from rig.console import UnavailableError
from rig.fixtures import rig_command
from rig.nodes import nodes_of

PREFIX = "interject-rig-"
DNS = "kubernetes.io/service-name=kube-dns"
DNS_PORT = 53
REACH_S = 3.0
OWNER = "owner"
"""A file in a rig's folder: pid and start time of the tests that it is for."""


@contextmanager
def cluster_to_test() -> Iterator[Cluster]:
    """The cluster. A rig that was brought up for it is taken down in the end."""
    if os.environ.get("INTERJECT_TEST_CLUSTER") and os.environ.get("KUBECONFIG"):
        kubeconfig = Path(os.environ["KUBECONFIG"]).resolve()
        if (kubeconfig.parent / "rig.json").exists():
            yield _rig(kubeconfig.parent)
        else:
            with tempfile.TemporaryDirectory() as scratch:
                yield _foreign(kubeconfig, Path(scratch))
        return
    with _rig_for_now() as rig:
        yield rig


@contextmanager
def _rig_for_now() -> Iterator[Cluster]:
    node = ["--no-node"] if os.geteuid() else []
    try:
        rig_command("programs", *node)
    except UnavailableError as error:
        pytest.skip(f"no Kubernetes: {error}")
    _sweep()
    # Not pytest's tmp_path: a Unix socket's name has to be short.
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    (folder / OWNER).write_text(f"{os.getpid()} {_started(os.getpid())}")
    before = settings()
    rig_command("up", str(folder), *node)
    try:
        yield _rig(folder)
    finally:
        rig_command("down", str(folder), "--wipe")
        assert not folder.exists()
        assert settings() == before
        if not node:
            assert traces(folder) == []


def _rig(folder: Path) -> Cluster:
    facts = json.loads((folder / "rig.json").read_text())
    return Cluster(
        kubeconfig=Path(facts["kubeconfig"]), kubectl=facts["kubectl"], own=True,
        node=facts["node"], own_address=facts["own_address"], folder=folder,
    )  # fmt: skip


def _foreign(kubeconfig: Path, scratch: Path) -> Cluster:
    kubectl = shutil.which("kubectl")
    assert kubectl, "KUBECONFIG names a cluster, but kubectl is not on the PATH"
    cluster = Cluster(kubeconfig, kubectl, own=False, node=False, own_address="", folder=scratch)
    asked = cluster.run(
        "config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}"
    )
    assert asked.returncode == 0 and asked.stdout, f"{kubeconfig}: {asked.stderr}"
    own_address, no_pods = _address_towards(asked.stdout), _why_no_pods(cluster)
    return Cluster(kubeconfig, kubectl, False, not no_pods, own_address, scratch, no_pods)


def _why_no_pods(cluster: Cluster) -> str:
    """Why cases whose pods have to run cannot run on a foreign cluster; empty if they can."""
    if nodes_of(cluster.kubeconfig, WHERE) is None:
        return "no images on this cluster: set INTERJECT_TEST_IMAGES (docs/how-to/cluster-tests.md)"
    slices = cluster.get_all("endpointslices", "kube-system", DNS)
    addresses = [at for each in slices for end in each["endpoints"] for at in end["addresses"]]
    for address in addresses:
        with suppress(OSError), socket.create_connection((address, DNS_PORT), REACH_S):
            return ""
    return (
        f"the cluster's DNS does not answer at {addresses}: telephones need routes from this"
        " machine to the addresses of pods and Services (docs/how-to/cluster-tests.md)"
    )


def _address_towards(server: str) -> str:
    """This machine's address, as the API server at `server` should see it."""
    parts = urlsplit(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Connecting sends nothing.
        probe.connect((parts.hostname or "", parts.port or 443))
        address: str = probe.getsockname()[0]
        return address


def _sweep() -> None:
    """Take down rigs whose tests were killed before they could do it."""
    for owner in Path("/tmp").glob(f"{PREFIX}*/{OWNER}"):
        pid, started = owner.read_text().split()
        if _started(int(pid)) != started:
            if (owner.parent / "rig.json").exists():
                rig_command("down", str(owner.parent))
            shutil.rmtree(owner.parent)


def _started(pid: int) -> str:
    """When the process began, in the kernel's count; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return ""
