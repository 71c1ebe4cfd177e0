"""The node's kubelet, kube-proxy and DNS: their configuration and command lines."""

import http.client
import json
from typing import Final

from rig.control_plane import Api
from rig.layout import NODE, Layout

TABLES: Final = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))
"""Everything that it puts into the packet filter."""
DNS_USER: Final = "rig:coredns"
DNS_READY_S: Final = 5
"""Deadline of asking it once."""


def kubelet_state(layout: Layout) -> str:
    """Where pods' volumes are mounted."""
    return str(layout.folder / "kubelet")


def write_kubelet(layout: Layout) -> None:
    """Its configuration."""
    (layout.folder / "resolv.conf").write_text(f"nameserver {layout.dns_service}\n")
    (layout.folder / "kubelet.json").write_text(
        json.dumps(_kubelet_configuration(layout), indent=2)
    )


def kubelet_command(layout: Layout) -> list[str]:
    """What starts it."""
    return [
        layout.program("kubelet"), f"--config={layout.folder / 'kubelet.json'}",
        f"--kubeconfig={layout.kubeconfig_of('kubelet')}", f"--root-dir={kubelet_state(layout)}",
        f"--cert-dir={layout.folder / 'kubelet-pki'}", f"--hostname-override={NODE}",
        f"--node-ip={layout.gateway}",
    ]  # fmt: skip


def _kubelet_configuration(layout: Layout) -> dict[str, object]:
    certificate, key = layout.certificate("kubelet-serving")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.gateway,
        "port": layout.ports["kubelet"],
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": layout.ports["kubelet-health"],
        "readOnlyPort": 0,
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.certificate("ca")[0])},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        # In many sandboxes even root may not lower it.
        "oomScoreAdj": 0,
        # All its packet-filter rules would be about things that the rig does not have.
        "makeIPTablesUtilChains": False,
        "clusterDomain": "cluster.local",
        "clusterDNS": [layout.dns_service],
        "resolvConf": str(layout.folder / "resolv.conf"),
        "podLogsDir": str(layout.folder / "pod-logs"),
        "volumePluginDir": str(layout.folder / "volume-plugins"),
        "maxPods": 100,
        # Images come from `load-image` alone: one that is collected does not come back.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # The rig does not watch how full the machine's disk is.
        "evictionHard": {
            "memory.available": "100Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "nodeStatusUpdateFrequency": "5s",
    }  # fmt: skip


def write_proxy(layout: Layout) -> None:
    """Its configuration."""
    (layout.folder / "kube-proxy.json").write_text(
        json.dumps(_proxy_configuration(layout), indent=2)
    )


def proxy_command(layout: Layout) -> list[str]:
    """What starts it."""
    return [layout.program("kube-proxy"), f"--config={layout.folder / 'kube-proxy.json'}"]


def _proxy_configuration(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": layout.gateway,
        "healthzBindAddress": f"127.0.0.1:{layout.ports['proxy-health']}",
        "metricsBindAddress": f"127.0.0.1:{layout.ports['proxy-metrics']}",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig_of("kube-proxy"))},
        "clusterCIDR": layout.pod_network,
        "hostnameOverride": NODE,
        "mode": "nftables",
        "oomScoreAdj": 0,
        # Zero leaves the machine's own settings alone.
        "conntrack": {
            "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
        },
        "nodePortAddresses": [f"{layout.gateway}/32"],
        # How long a pod is Ready before Services lead to it; production takes a second.
        "nftables": {"syncPeriod": "30s", "minSyncPeriod": "50ms"},
    }  # fmt: skip


def write_dns(layout: Layout) -> None:
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


def dns_command(layout: Layout) -> list[str]:
    """What starts it."""
    return [layout.program("coredns"), "-conf", str(layout.folder / "Corefile")]


def dns_ready(layout: Layout) -> bool:
    """Whether it knows the cluster."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", layout.ports["dns-ready"], timeout=DNS_READY_S
    )
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def apply_dns(layout: Layout, api: Api) -> None:
    """What the cluster needs for it: the right to read, and the Service."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": DNS_USER}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"},
             {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]  # fmt: skip
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    api.apply(f"{rbac}/clusterroles/{DNS_USER}", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": DNS_USER},
        "rules": [
            {"apiGroups": [""], "resources": ["services", "namespaces"],
             "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"],
             "verbs": ["list", "watch"]},
        ],
    })  # fmt: skip
    api.apply(f"{rbac}/clusterrolebindings/{DNS_USER}", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": DNS_USER}, "roleRef": role,
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": DNS_USER}],
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
