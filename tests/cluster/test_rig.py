"""The rig itself: what other tests build on is there, and it goes without a trace."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cluster.cluster import Cluster
from cluster.images import PULL_POLICY
from cluster.traces import traces
from rig.fixtures import rig_command

READY_S = 30
GONE_S = 20
GROUP = "rig.interject.test"


@pytest.fixture
def web(node: Cluster, namespace: str, probe_image: str) -> str:
    """The namespace in which two probes run, behind the Service `web`."""
    node.apply([_deployment(namespace, probe_image), _service(namespace)])
    done = node.run("rollout", "status", "deployment/web", f"--namespace={namespace}",
                    f"--timeout={READY_S}s")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return namespace


def test_pods_reach_each_other_through_the_service_by_name(node: Cluster, web: str) -> None:
    first, second = _pods(node, web)
    found: set[str] = set()

    def both_answered() -> bool:
        found.add(_ask(node, web, first, f"/fetch?http://web.{web}.svc.cluster.local/"))
        return found == {first, second}

    node.wait_for("both pods behind the Service", both_answered, READY_S)


def test_a_pod_serves_until_its_pre_stop_hook_has_ended(node: Cluster, web: str) -> None:
    asking, ending = _pods(node, web)
    address = node.get("pod", web, ending)["status"]["podIP"]
    there = f"/fetch?http://{address}:1650"
    _ask(node, web, asking, f"{there}/hold")
    node.run("delete", "pod", ending, f"--namespace={web}", "--wait=false")
    node.wait_for("a replacement", lambda: len(_pods(node, web)) == 3, READY_S)

    assert _ask(node, web, asking, f"{there}/") == ending
    _ask(node, web, asking, f"{there}/free")
    node.wait_for("the pod's end", lambda: not node.get("pod", web, ending), GONE_S)


def test_pod_security_refuses_a_pod_that_is_not_restricted(
    cluster: Cluster, namespace: str
) -> None:
    done = cluster.run("run", "bad", "--image=localhost/x", f"--namespace={namespace}")
    assert 'violates PodSecurity "restricted' in done.stderr


@pytest.fixture
def aggregated(cluster: Cluster, namespace: str) -> Iterator[list[str]]:
    """The users for whom the API server has asked a process on this machine, behind it."""
    users: list[str] = []
    name = f"DNS:behind.{namespace}.svc"
    certificate, key = cluster.issue_cert(f"behind-{namespace}", name, "/CN=behind")
    server = ThreadingHTTPServer((cluster.own_address, 0), _behind(users))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cluster.front_proxy_ca)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cluster.apply(_aggregation(cluster, namespace, server.server_port))
    yield users
    # Until it is gone, the cluster waits for its answers wherever a namespace is deleted.
    cluster.run("delete", "apiservice", f"v1.{GROUP}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_api_server_asks_api_servers_behind_it(cluster: Cluster, aggregated: list[str]) -> None:
    path = f"/apis/{GROUP}/v1/hello"
    answer = cluster.wait_for(
        "an answer", lambda: cluster.run("get", "--raw", path).stdout, READY_S
    )
    assert json.loads(answer) == {"path": path}
    assert "admin" in aggregated


def test_objects_outlive_the_api_server(cluster: Cluster, namespace: str) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"key": "value"}}
    cluster.apply(config | {"metadata": {"name": "kept", "namespace": namespace}})
    cluster.restart_api_server()
    assert cluster.get("configmap", namespace, "kept")["data"] == {"key": "value"}


def test_a_second_rig_keeps_its_state_and_goes_without_a_trace(cluster: Cluster) -> None:
    folder = Path(f"/tmp/interject-second-{uuid4().hex[:8]}")
    if not cluster.own:
        pytest.skip("the programs of a rig may be missing beside a foreign cluster")
    rig_command("up", str(folder), "--no-node")
    facts = json.loads((folder / "rig.json").read_text())
    second = Cluster(Path(facts["kubeconfig"]), facts["kubectl"], True, False, "", folder)
    second.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}})
    rig_command("down", str(folder))
    assert not [trace for trace in traces(folder) if str(folder) in trace]

    rig_command("up", str(folder), "--no-node")
    assert second.get("namespace", None, "kept")
    assert not cluster.get("namespace", None, "kept")
    rig_command("down", str(folder), "--wipe")
    assert not folder.exists()
    assert not [trace for trace in traces(folder) if str(folder) in trace]


def _pods(cluster: Cluster, namespace: str) -> list[str]:
    """Names, the oldest first."""
    done = cluster.run("get", "pods", f"--namespace={namespace}", "--output=name",
                       "--sort-by=.metadata.creationTimestamp")  # fmt: skip
    return [line.removeprefix("pod/") for line in done.stdout.split()]


def _ask(cluster: Cluster, namespace: str, pod: str, path: str) -> str:
    """What the pod answers, asked from inside."""
    program = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
    done = cluster.run("exec", pod, f"--namespace={namespace}", "--", "python3", "-c", program,
                       f"http://localhost:1650{path}")  # fmt: skip
    return done.stdout.strip()


def _deployment(namespace: str, image: str) -> dict[str, Any]:
    http = {"path": "/", "port": 1650}
    container = {
        "name": "probe", "image": image, "imagePullPolicy": PULL_POLICY,
        "readinessProbe": {"httpGet": http, "periodSeconds": 1},
        "lifecycle": {"preStop": {"httpGet": http | {"path": "/stop"}}},
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }  # fmt: skip
    pod = {
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }  # fmt: skip


def _service(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 1650}]},
    }  # fmt: skip


def _behind(users: list[str]) -> type[BaseHTTPRequestHandler]:
    class Behind(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            users.append(self.headers.get("X-Remote-User", ""))
            body = json.dumps({"path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Discards it."""

    return Behind


def _aggregation(cluster: Cluster, namespace: str, port: int) -> list[dict[str, Any]]:
    """A Service without pods, its endpoint on this machine, and the group that it serves."""
    bundle = base64.b64encode(cluster.ca.read_bytes()).decode()
    labels = {"kubernetes.io/service-name": "behind"}
    return [
        {
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "behind", "namespace": namespace},
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "behind", "namespace": namespace, "labels": labels},
            "endpoints": [{"addresses": [cluster.own_address], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": f"v1.{GROUP}"},
            "spec": {
                "group": GROUP, "version": "v1", "groupPriorityMinimum": 100,
                "versionPriority": 100, "caBundle": bundle,
                "service": {"name": "behind", "namespace": namespace, "port": 443},
            },
        },
    ]  # fmt: skip
