"""etcd, the API server, the controllers, the scheduler: their command lines, and a client."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any, Final

from rig.certificates import accounts
from rig.console import RigError
from rig.layout import Layout

HPA_SYNC, HPA_DOWNSCALE = "2s", "10s"
"""The defaults are 15 s and 5 min, too long for a test."""
QUERIES_PER_S: Final = 200
"""Of the controllers. With their default of 20 a fresh cluster is usable seconds later."""
REQUEST_S: Final = 10
"""Deadline of one request."""
APPLY: Final = "application/apply-patch+yaml"


def etcd(layout: Layout) -> list[str]:
    """The store. It does not wait for the disk: a rig's state need not survive a power cut."""
    clients, peers = (f"http://127.0.0.1:{layout.ports[n]}" for n in ("etcd", "etcd-peers"))
    return [
        layout.program("etcd"), "--name=rig", f"--data-dir={layout.folder / 'etcd'}",
        "--unsafe-no-fsync", "--log-level=warn",
        f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=rig={peers}",
    ]  # fmt: skip


def api_server(layout: Layout) -> list[str]:
    """The API server: RBAC, Pod Security, and aggregation of other API servers."""
    (crt, key), (kubelet_crt, kubelet_key), (proxy_crt, proxy_key) = map(
        layout.certificate, ("apiserver", "apiserver-kubelet-client", "front-proxy-client")
    )
    public, private = accounts(layout)
    return [
        layout.program("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{layout.ports['etcd']}",
        f"--bind-address={layout.address}", f"--secure-port={layout.ports['api']}",
        f"--advertise-address={layout.own_address}",
        # Without a node no address in the Service's endpoints would be reachable.
        f"--endpoint-reconciler-type={'lease' if layout.node else 'none'}",
        f"--tls-cert-file={crt}", f"--tls-private-key-file={key}",
        f"--kubelet-client-certificate={kubelet_crt}", f"--kubelet-client-key={kubelet_key}",
        f"--kubelet-certificate-authority={_ca(layout)}",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={public}", f"--service-account-signing-key-file={private}",
        *_front_proxy(layout), "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={proxy_crt}", f"--proxy-client-key-file={proxy_key}",
        # The API server itself looks up endpoints: without a node no Service address works.
        "--enable-aggregator-routing=true",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction,PodSecurity",
        "--allow-privileged=true", f"--service-cluster-ip-range={layout.service_network}",
        f"--cert-dir={layout.folder / 'apiserver'}", "--profiling=false",
    ]  # fmt: skip


def controller_manager(layout: Layout) -> list[str]:
    """All controllers, the horizontal autoscaler among them, which is quicker than usual."""
    ca, ca_key = layout.certificate("ca")
    return [
        layout.program("kube-controller-manager"), *_component(layout, "controller-manager"),
        *_front_proxy(layout), "--cluster-name=rig", "--use-service-account-credentials",
        f"--service-account-private-key-file={accounts(layout)[1]}",
        f"--root-ca-file={ca}", f"--cluster-signing-cert-file={ca}",
        f"--cluster-signing-key-file={ca_key}",
        f"--kube-api-qps={QUERIES_PER_S}", f"--kube-api-burst={2 * QUERIES_PER_S}",
        f"--horizontal-pod-autoscaler-sync-period={HPA_SYNC}",
        f"--horizontal-pod-autoscaler-downscale-stabilization={HPA_DOWNSCALE}",
        "--horizontal-pod-autoscaler-initial-readiness-delay=0s",
    ]  # fmt: skip


def scheduler(layout: Layout) -> list[str]:
    """The scheduler."""
    return [layout.program("kube-scheduler"), *_component(layout, "scheduler")]


def _component(layout: Layout, name: str) -> list[str]:
    """What controllers and scheduler have in common."""
    kubeconfig = layout.kubeconfig_of(name)
    return [
        f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}", "--leader-elect=false",
        "--bind-address=127.0.0.1", f"--secure-port={layout.ports[name]}",
        f"--cert-dir={layout.folder / name}",
    ]  # fmt: skip


def _front_proxy(layout: Layout) -> list[str]:
    return [
        f"--client-ca-file={_ca(layout)}",
        f"--requestheader-client-ca-file={layout.certificate('front-proxy-ca')[0]}",
    ]


def _ca(layout: Layout) -> str:
    return str(layout.certificate("ca")[0])


class Api:
    """The rig's API server."""

    def __init__(self, layout: Layout) -> None:
        self._address, self._port = layout.address, layout.ports["api"]
        self._tls = ssl.create_default_context(cafile=str(layout.certificate("ca")[0]))
        self._tls.load_cert_chain(*layout.certificate("admin"))

    def ready(self) -> bool:
        """Whether it serves all that it should."""
        return self._request("GET", "/readyz")[0] == http.HTTPStatus.OK

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at `path`; None while there is none, or no server."""
        status, answer = self._request("GET", path)
        found: dict[str, Any] | None = json.loads(answer) if status == http.HTTPStatus.OK else None
        return found

    def apply(self, path: str, body: Mapping[str, object]) -> None:
        """Put the object at `path`, by server-side apply.

        Raises:
            RigError: it is refused.
        """
        status, answer = self._request(
            "PATCH", f"{path}?fieldManager=rig&force=true", json.dumps(body)
        )
        if status not in (http.HTTPStatus.OK, http.HTTPStatus.CREATED):
            raise RigError(f"the API server answered {status} to {path}: {answer.decode()}")

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Status and body; status 0 where no server answers."""
        connection = http.client.HTTPSConnection(
            self._address, self._port, context=self._tls, timeout=REQUEST_S
        )
        try:
            connection.request(method, path, body, {"Content-Type": APPLY} if body else {})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()
