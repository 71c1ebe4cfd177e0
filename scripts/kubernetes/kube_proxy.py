"""What makes Services' addresses work on the node, with nftables."""

import json
from typing import Final

from layout import NODE, Layout

TABLES: Final = (("ip", "kube-proxy"), ("ip6", "kube-proxy"))
"""Everything that it puts into the packet filter."""


def write(layout: Layout) -> None:
    """Its configuration."""
    (layout.folder / "kube-proxy.json").write_text(json.dumps(_configuration(layout), indent=2))


def command(layout: Layout) -> list[str]:
    """What starts it."""
    return [layout.program("kube-proxy"), f"--config={layout.folder / 'kube-proxy.json'}"]


def _configuration(layout: Layout) -> dict[str, object]:
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
