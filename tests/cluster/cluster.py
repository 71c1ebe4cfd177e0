"""A Kubernetes to test against, the rig or a foreign one."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cluster.aside import run_aside
from real_time.witness import Beside
from rig.fixtures import rig_command

T = TypeVar("T")
Json = dict[str, Any]

KUBECTL_S = 60.0
"""Deadline of one call of kubectl."""
POLL_S = 0.1
TIMED_OUT = 124
CGROUPS = Path("/sys/fs/cgroup")
PODS = "kubepods/burstable"
MEDIA_POD, ASTERISK = (148, 2.4), (100, 0.3)
"""Of a call's processes: the request for processors, in thousandths of a core (a media pod for four
calls; the chart's default), and the processor time of one call every 20 ms, in ms."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, with the rights of its administrator.

    Args:
        kubeconfig: its file.
        kubectl: the program.
        own: whether it is the rig of these tests. If so, its CA signs what tests ask for, and its
            API server can be restarted.
        node: whether pods really run, and images that were built here can be given to it.
        no_pods: why not, if so.
        own_address: at which pods and the API server reach a process on this machine.
        folder: of the rig, or a scratch folder.
    """

    kubeconfig: Path
    kubectl: str
    own: bool
    node: bool
    own_address: str
    folder: Path
    no_pods: str = "a rig with a node needs root"

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """What kubectl says and how it ends; nothing is raised, not even for taking too long."""
        command = [self.kubectl, f"--kubeconfig={self.kubeconfig}", *arguments]
        try:
            return run_aside(command, stdin, KUBECTL_S)
        except subprocess.TimeoutExpired:
            why = f"kubectl took over {KUBECTL_S:.0f} s"
            return subprocess.CompletedProcess(command, TIMED_OUT, "", why)

    def apply(self, objects: str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """`kubectl apply`: YAML, an object, or several. Fails the test if one is refused."""
        if not isinstance(objects, str):
            several = [objects] if isinstance(objects, Mapping) else list(objects)
            objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": several})
        done = self.run("apply", "--filename=-", stdin=objects)
        assert done.returncode == 0, done.stderr

    def get(self, kind: str, namespace: str | None, name: str) -> Json:
        """The object; empty if there is none. `namespace` is None for what is in no namespace."""
        place = [] if namespace is None else [f"--namespace={namespace}"]
        done = self.run("get", kind, name, *place, "--output=json", "--ignore-not-found")
        assert done.returncode == 0, done.stderr
        found: Json = json.loads(done.stdout or "{}")
        return found

    def get_all(self, kind: str, namespace: str, selector: str) -> list[Json]:
        """The objects that `selector` selects."""
        place = f"--namespace={namespace}"
        done = self.run("get", kind, place, f"--selector={selector}", "--output=json")
        assert done.returncode == 0, done.stderr
        found: list[Json] = json.loads(done.stdout)["items"]
        return found

    def wait_for(self, what: str, condition: Callable[[], T], timeout_s: float) -> T:
        """The first answer of `condition` that is true; fails the test if there is none in time."""
        deadline = time.monotonic() + timeout_s
        while not (answer := condition()):
            assert time.monotonic() < deadline, f"{what}: not within {timeout_s:g} s"
            time.sleep(POLL_S)
        return answer

    def issue_cert(self, name: str, sans: str, subject: str) -> tuple[Path, Path]:
        """A certificate of the cluster's CA, good for servers and clients, and its key.

        Args:
            name: of the files.
            sans: as in `DNS:metrics.voice.svc,IP:10.90.0.1`; may be empty.
            subject: as in `/O=team/CN=alice`.
        """
        if not self.own:
            pytest.skip("needs the cluster's CA: on the rig alone")
        paths = rig_command(
            "certificate", str(self.folder), name, f"--names={sans}",
            f"--subject={subject}",
        ).splitlines()  # fmt: skip
        return Path(paths[0]), Path(paths[1])

    def beside_a_call(self) -> list[Beside]:
        """Where witnesses of a call through pods stand: beside its telephone and its pods.

        The telephone alone where pods do not run on this machine.
        """
        places = [Beside()]
        burstable = [CGROUPS / PODS, *CGROUPS.glob(f"*/{PODS}")] if self.own else []
        for request_m, work_ms in (MEDIA_POD, ASTERISK):
            groups = [
                group / f"interject-witness-{request_m}" for group in burstable if group.is_dir()
            ]
            for group in groups:
                _make_group(group, request_m)
            if groups:
                places.append(Beside(tuple(groups), work_ms))
        return places

    @property
    def ca(self) -> Path:
        """The certificate of who signs for `issue_cert`."""
        assert self.own
        return self.folder / "pki" / "ca.crt"

    @cached_property
    def front_proxy_ca(self) -> Path:
        """Of who signs the certificate with which the API server asks API servers behind it."""
        published = self.get("configmap", "kube-system", "extension-apiserver-authentication")
        path = self.folder / "front-proxy-ca.crt"
        path.write_text(published["data"]["requestheader-client-ca-file"])
        return path

    def restart_api_server(self, kill: bool = True) -> None:
        """End the API server and start it again on the same state; returns when it serves."""
        if not self.own:
            pytest.skip("restarts the API server: on the rig alone")
        rig_command("restart-apiserver", str(self.folder), *(["--kill"] if kill else []))


async def eventually(question: Callable[[], object], within_s: float) -> None:
    """`Cluster.wait_for` for coroutines; `question` must not block."""
    deadline = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < deadline, f"not so within {within_s:g} s"
        await asyncio.sleep(POLL_S)


def _make_group(group: Path, request_m: int) -> None:
    """Make a control group with the share that the kubelet gives a container for its request."""
    group.mkdir(exist_ok=True)
    shares = request_m * 1024 // 1000
    weight = 1 + (shares - 2) * 9999 // 262142
    for name, share in (("cpu.shares", shares), ("cpu.weight", weight)):
        if (group / name).exists():
            (group / name).write_text(str(share))
