"""Helm's own library, in a process of its own, which goes last where a telephone's is in haste."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from cluster.aside import run_aside

PROCESS: Final = Path(__file__).with_name("helm_process.py")
HELM_S: Final = 180.0


class HelmFailedError(Exception):
    """Helm did not do it; the text is what it says."""


def helm(
    kubeconfig: Path, namespace: str, user: str | None, call: str, *arguments: Any, **options: Any
) -> Any:
    """What `helm_python.Config.CALL` returns.

    Args:
        kubeconfig, namespace, user: where and as whom; the administrator if `user` is None.
        call: install, upgrade, rollback, test, uninstall.

    Raises:
        HelmFailedError: it raised.
    """
    config = {"kubeconfig_path": str(kubeconfig), "namespace": namespace, "kube_as_user": user}
    request = {"config": config, "call": call, "arguments": arguments, "options": options}
    done = run_aside([sys.executable, str(PROCESS)], json.dumps(request, default=str), HELM_S)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    if "failed" in outcome:
        raise HelmFailedError(outcome["failed"])
    return outcome["done"]
