"""The cluster of the demonstration: the user's by its kubeconfig, else one brought up here."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from demo_cluster.errors import DemoError
from demo_cluster.scripts import rig, say
from rig.cache import cache_folder

Json = dict[str, Any]
CALL_S: Final = 180.0


@dataclass(frozen=True)
class Cluster:
    """One that answers.

    Args:
        kubeconfig: its file.
        kubectl: the program.
        own_address: by which its pods reach this machine; "" for a cluster that is not ours.
    """

    kubeconfig: Path
    kubectl: str
    own_address: str

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints.

        Raises:
            DemoError: it fails.
        """
        command = [self.kubectl, f"--kubeconfig={self.kubeconfig}", *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, timeout=CALL_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise DemoError(f"kubectl {arguments[0]} took over {CALL_S:.0f} s") from None
        if done.returncode:
            raise DemoError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Json:
        """An object, or a list of them."""
        found: Json = json.loads(self.run("get", *arguments, "--output=json"))
        return found


def up(kubeconfig: Path | None) -> Cluster:
    """The cluster behind `kubeconfig`; without one, our own.

    Raises:
        DemoError: there is none.
    """
    if kubeconfig is not None:
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            raise DemoError("kubectl is not on the PATH; it asks the cluster of the kubeconfig")
        return Cluster(kubeconfig, kubectl, "")
    programs = Path(rig("programs"))
    facts = _folder() / "rig.json"
    if not facts.exists():
        say("bringing up a Kubernetes ...")
        rig("up", _folder())
    else:
        say(f"the Kubernetes of an earlier demonstration is there: {_folder()}")
    found = json.loads(facts.read_text())
    return Cluster(_folder() / "admin.kubeconfig", str(programs / "kubectl"), found["own_address"])


def down() -> None:
    """Take down our own, with all that is in it; nothing if there is none."""
    if (_folder() / "rig.json").exists():
        rig("down", _folder(), "--wipe")


def _folder() -> Path:
    return cache_folder() / "demo-cluster"
