"""The programs of a Kubernetes, in the versions that the tests run on."""

from dataclasses import dataclass
from typing import Final

KUBERNETES: Final = "1.34.4"
ETCD: Final = "3.6.16"
COREDNS: Final = "1.14.7"
JAEGER: Final = "1.76.0"
"""Not Kubernetes', but built the same way; the last release that is one program with few parts."""

COREDNS_PLUGINS: Final = (
    "bind", "cache", "errors", "forward", "health", "hosts", "kubernetes", "loadbalance", "log",
    "loop", "metrics", "ready", "reload",
)  # fmt: skip
"""What a cluster's DNS needs. The full set brings three cloud providers' libraries with it."""


@dataclass(frozen=True)
class Program:
    """One of them.

    Attributes:
        name: of its file.
        module: the wrapper module that it is built in.
        package: the Go package.
        version: without the v.
        about_s: how long it takes to build after those before it, on two cores, at first.
        node_only: a control plane runs without it.
    """

    name: str
    module: str
    package: str
    version: str
    about_s: int
    node_only: bool = False


def _kubernetes(name: str, about_s: int, node_only: bool = False) -> Program:
    return Program(
        name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", KUBERNETES, about_s, node_only
    )


PROGRAMS: Final = (
    _kubernetes("kube-apiserver", 460),
    _kubernetes("kube-controller-manager", 150),
    _kubernetes("kube-scheduler", 20),
    _kubernetes("kubectl", 45),
    _kubernetes("kubelet", 45, node_only=True),
    _kubernetes("kube-proxy", 10, node_only=True),
    Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", ETCD, 50),
    Program("coredns", "coredns", ".", COREDNS, 100, node_only=True),
)
"""In the order of building: those further down reuse what those above have compiled."""


def wanted(node: bool) -> list[Program]:
    """What a control plane needs, with a node or without."""
    return [program for program in PROGRAMS if node or not program.node_only]
