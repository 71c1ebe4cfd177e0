"""Where a rig has what: its folder, its ports, its networks. Nothing here does anything."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rig.console import RigError

NUMBERS: Final = range(10)
"""A machine has room for so many rigs side by side; the number moves ports and networks."""
NODE: Final = "rig"
"""The name of the one node."""
LONGEST_FOLDER: Final = 60
"""Characters. A Unix socket's path may have 107, and containerd adds its own."""
FACTS: Final = "rig.json"


@dataclass(frozen=True)
class Layout:
    """A rig.

    Attributes:
        folder: absolute; everything of the rig is in it.
        number: one of NUMBERS.
        node: whether it has a node, or a control plane alone.
        own_address: at which pods and the API server reach a process on the machine.
        programs: the folder with Kubernetes' programs.
    """

    folder: Path
    number: int
    node: bool
    own_address: str
    programs: Path

    @property
    def ports(self) -> dict[str, int]:
        """All of them are on loopback or on the bridge."""
        first = 24000 + 100 * self.number
        names = (
            "etcd", "etcd-peers", "api", "controller-manager", "scheduler", "kubelet",
            "kubelet-health", "proxy-health", "proxy-metrics", "dns-ready", "dns-health",
        )  # fmt: skip
        return {name: first + offset for offset, name in enumerate(names)}

    @property
    def pod_network(self) -> str:
        return f"10.{90 + self.number}.0.0/24"

    @property
    def gateway(self) -> str:
        """The bridge's address: the node's."""
        return f"10.{90 + self.number}.0.1"

    @property
    def bridge(self) -> str:
        return f"interject{self.number}"

    @property
    def service_network(self) -> str:
        return f"10.{190 + self.number}.0.0/16"

    @property
    def api_service(self) -> str:
        """At which pods reach the API server."""
        return f"10.{190 + self.number}.0.1"

    @property
    def dns_service(self) -> str:
        return f"10.{190 + self.number}.0.10"

    @property
    def address(self) -> str:
        """At which the API server listens."""
        return self.gateway if self.node else "127.0.0.1"

    @property
    def api(self) -> str:
        return f"https://{self.address}:{self.ports['api']}"

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def containerd_socket(self) -> Path:
        return self.folder / "containerd.sock"

    @property
    def hosts(self) -> Path:
        """Names for pods of what is outside the cluster, in the form of /etc/hosts."""
        return self.folder / "hosts"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "admin.kubeconfig"

    def program(self, name: str) -> str:
        return str(self.programs / name)

    def kubeconfig_of(self, user: str) -> Path:
        return self.pki / f"{user}.kubeconfig"

    def certificate(self, name: str) -> tuple[Path, Path]:
        """The certificate and the key."""
        return self.pki / f"{name}.crt", self.pki / f"{name}.key"

    def fields(self) -> dict[str, Any]:
        """As JSON has it; `of` turns it back."""
        return {n: str(v) if isinstance(v, Path) else v for n, v in asdict(self).items()}

    @staticmethod
    def of(fields: dict[str, Any]) -> "Layout":
        """The opposite of `fields`, which may have more in it."""
        return Layout(
            Path(fields["folder"]), fields["number"], fields["node"], fields["own_address"],
            Path(fields["programs"]),
        )  # fmt: skip

    def write(self) -> None:
        """Into its folder, with what tests want to know besides."""
        more = {
            "kubeconfig": str(self.kubeconfig),
            "kubectl": self.program("kubectl"),
            "ca": str(self.certificate("ca")[0]),
            "front_proxy_ca": str(self.certificate("front-proxy-ca")[0]),
            "hosts": str(self.hosts),
        }
        (self.folder / FACTS).write_text(json.dumps(self.fields() | more, indent=2))

    @staticmethod
    def read(folder: Path) -> "Layout":
        """That of the rig in `folder`.

        Raises:
            RigError: there is none.
        """
        try:
            return Layout.of(json.loads((folder / FACTS).read_text()))
        except FileNotFoundError:
            raise RigError(f"{folder} is not a rig: it has no {FACTS}") from None
