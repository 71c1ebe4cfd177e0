"""Refuses pods that would end calls before their drain is over, whatever spec.podTemplate merges.

A drain begins with SIGTERM and needs a grace period that leaves it the time. The API server checks
the one in spec.podTemplate already, but not in agents that are older than this rule; and it cannot
see what a strategic merge makes of it.
"""

from typing import Final

from media_pod.errors import InterjectError
from media_pod.manifest.secrets import CONTAINER
from voiceagent_operator.kube.kinds import Json

_KUBERNETES_GRACE_S: Final = 30
"""What the API server sets where a pod has no grace period."""


class DrainCutError(InterjectError):
    """Pods of this template would not drain; the message has the path in the template."""


def check_drain(template: Json, grace_s: int) -> None:
    """Check that a pod of `template` can drain.

    Args:
        template: a PodTemplateSpec.
        grace_s: shortest termination grace period, in seconds.

    Raises:
        DrainCutError: it cannot.
    """
    spec = template.get("spec", {})
    grace = spec.get("terminationGracePeriodSeconds")
    # What is no number is refused by the API server, in its own words.
    if grace is None or (isinstance(grace, int) and grace < grace_s):
        found = f"nothing, which is {_KUBERNETES_GRACE_S} to Kubernetes" if grace is None else grace
        raise DrainCutError(
            f"spec.terminationGracePeriodSeconds: found {found}; allowed: {grace_s} at least, "
            "which is drain.timeoutSeconds and the time for goodbyes; calls would be cut while "
            "their pod drains, so leave it out, or set drain.timeoutSeconds"
        )
    if all(each.get("name") != CONTAINER for each in spec.get("containers", [])):
        raise DrainCutError(
            f"spec.containers: found no container {CONTAINER}; allowed: additions to it, and "
            "containers beside it"
        )
