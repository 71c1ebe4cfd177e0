"""Whether a restricted operator may run an agent.

Whoever creates a VoiceAgent decides what its pods run and mount: any Secret of the namespace, and
by spec.podTemplate any ServiceAccount and volume. The operator can limit that to Secrets whose
names begin with a prefix, and spec.podTemplate to where pods run and what they use.
"""

from collections.abc import Iterator
from typing import Any, Final

from media_pod.manifest.secrets import CONTAINER, mounted_keys
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.decide.causes import Cause
from voiceagent_operator.kube.kinds import GROUP

POD_FIELDS: Final = (
    "affinity",
    "containers",
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "tolerations",
    "topologySpreadConstraints",
)
CONTAINER_FIELDS: Final = ("name", "resources")


def find_forbidden(agent: Agent, secret_prefix: str) -> Cause | None:
    """What the agent may not have; None if it may be run.

    Args:
        secret_prefix: with which names of Secrets begin; "" for an operator without restrictions.
    """
    if not secret_prefix:
        return None
    for key in mounted_keys(agent.spec):
        if not key.name.startswith(secret_prefix):
            return Cause(
                "SecretNotAllowed",
                f"found a secretKeyRef to Secret {key.name}; this operator only allows Secrets "
                f"whose names begin with {secret_prefix}",
            )
    for problem in _forbidden_fields(agent):
        return Cause(
            "PodTemplateNotAllowed",
            f"found {problem} in spec.podTemplate; this operator only allows annotations, labels, "
            f"{', '.join(POD_FIELDS)}, and of the container {CONTAINER} its resources",
        )
    return None


def _forbidden_fields(agent: Agent) -> Iterator[str]:
    template = agent.spec.pod_template
    # NetworkPolicies and the operator select pods by these.
    for label in template.metadata.labels:
        if label.partition("/")[0] in (GROUP, "app.kubernetes.io"):
            yield f"the label {label}"
    spec = template.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for name in spec.keys() - set(POD_FIELDS):
        yield f"spec.{name}"
    containers = spec.get("containers") or []
    for container in containers if isinstance(containers, list) else [containers]:
        yield from _forbidden_of(container)


def _forbidden_of(container: Any) -> Iterator[str]:
    """The shape of spec.podTemplate is not checked before."""
    if not isinstance(container, dict) or container.get("name") != CONTAINER:
        yield f"a container other than {CONTAINER}"
        return
    for name in sorted(container.keys() - set(CONTAINER_FIELDS)):
        yield f"{name} of container {CONTAINER}"
