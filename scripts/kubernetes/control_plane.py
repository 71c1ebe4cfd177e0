"""The command lines of etcd, the API server, the controllers and the scheduler."""

from typing import Final

from certificates import accounts
from layout import Layout

HPA_SYNC, HPA_DOWNSCALE = "2s", "10s"
"""Production has 15 s and 5 min: nobody wants to wait for these in a test."""
QUERIES_PER_S: Final = 200
"""Of the controllers. With their default of 20 a fresh cluster is usable seconds later."""


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
        # Without a node nobody reaches it at an address that the Service might name.
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
