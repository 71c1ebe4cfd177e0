"""The node's agent."""

import json

from layout import NODE, Layout


def state(layout: Layout) -> str:
    """Where pods' volumes are mounted."""
    return str(layout.folder / "kubelet")


def write(layout: Layout) -> None:
    """Its configuration."""
    (layout.folder / "resolv.conf").write_text(f"nameserver {layout.dns_service}\n")
    (layout.folder / "kubelet.json").write_text(json.dumps(_configuration(layout), indent=2))


def command(layout: Layout) -> list[str]:
    """What starts it."""
    return [
        layout.program("kubelet"), f"--config={layout.folder / 'kubelet.json'}",
        f"--kubeconfig={layout.kubeconfig_of('kubelet')}", f"--root-dir={state(layout)}",
        f"--cert-dir={layout.folder / 'kubelet-pki'}", f"--hostname-override={NODE}",
        f"--node-ip={layout.gateway}",
    ]  # fmt: skip


def _configuration(layout: Layout) -> dict[str, object]:
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
        # Images come from nowhere but `load`: one that is gone stays gone.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # How full the machine's disk is is not the rig's business.
        "evictionHard": {
            "memory.available": "100Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "nodeStatusUpdateFrequency": "5s",
    }  # fmt: skip
