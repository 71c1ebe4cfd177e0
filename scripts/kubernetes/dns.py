"""The cluster's DNS: a process on the machine, behind the Service that every pod asks."""

import http.client
from typing import Final

from api import Api
from layout import Layout

USER: Final = "rig:coredns"
READY_S: Final = 5
"""Deadline of asking it once."""


def write(layout: Layout) -> None:
    """Its configuration."""
    layout.hosts.touch()
    (layout.folder / "Corefile").write_text(f""".:53 {{
    bind {layout.gateway}
    errors
    health 127.0.0.1:{layout.ports["dns-health"]}
    ready 127.0.0.1:{layout.ports["dns-ready"]}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {layout.kubeconfig_of("coredns")}
        ttl 2
        fallthrough in-addr.arpa ip6.arpa
    }}
    hosts {layout.hosts} {{
        ttl 2
        reload 1s
        fallthrough
    }}
    cache 2
    loadbalance
}}
""")


def command(layout: Layout) -> list[str]:
    """What starts it."""
    return [layout.program("coredns"), "-conf", str(layout.folder / "Corefile")]


def ready(layout: Layout) -> bool:
    """Whether it knows the cluster."""
    connection = http.client.HTTPConnection("127.0.0.1", layout.ports["dns-ready"], timeout=READY_S)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def apply(layout: Layout, api: Api) -> None:
    """What the cluster needs for it: the right to read, and the Service."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": USER}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"},
             {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]  # fmt: skip
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    api.apply(f"{rbac}/clusterroles/{USER}", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {"apiGroups": [""], "resources": ["services", "namespaces"],
             "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"],
             "verbs": ["list", "watch"]},
        ],
    })  # fmt: skip
    api.apply(f"{rbac}/clusterrolebindings/{USER}", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": USER}, "roleRef": role,
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
    })  # fmt: skip
    api.apply("/api/v1/namespaces/kube-system/services/kube-dns", {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kube-dns"},
        "spec": {"clusterIP": layout.dns_service, "ports": ports},
    })  # fmt: skip
    api.apply("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns-rig", {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "kube-dns-rig",
                     "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "endpoints": [{"addresses": [layout.gateway], "conditions": {"ready": True}}],
        "ports": ports,
    })  # fmt: skip
