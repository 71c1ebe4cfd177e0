"""A Kubernetes that the tests may use, by its kubectl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

DEADLINE_S = 60.0
"""For one kubectl."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """How to reach it."""

    kubeconfig: Path
    kubectl: str

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl to its end, whatever its exit code."""
        return subprocess.run(
            (self.kubectl, "--kubeconfig", str(self.kubeconfig), *arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
