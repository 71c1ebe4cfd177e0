"""Everything that runs the operator: identity, rights, two replicas and their budget."""

from dataclasses import dataclass
from typing import Final

from voiceagent_operator import names
from voiceagent_operator.install import metrics_api
from voiceagent_operator.install.parts import NAME, granted, part
from voiceagent_operator.install.rules import agent_rules, election_rules
from voiceagent_operator.kube.kinds import Json

USER_ID: Final = 10001
"""The user that the image has; not root."""
_PROBE_PORT = 8080


@dataclass(frozen=True, slots=True)
class Installation:
    """Where and how the operator runs."""

    namespace: str
    image: str
    media_image: str
    watched: tuple[str, ...] = ()
    """Namespaces with a Role in each; empty for all, by a ClusterRole."""
    pull_policy: str = "IfNotPresent"
    replicas: int = 2
    metrics_api: bool = False
    """Whether it serves custom.metrics.k8s.io, with a certificate of its own."""


def objects(wanted: Installation) -> list[Json]:
    """The objects, in the order in which they are applied."""
    namespace = wanted.namespace
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": names.OPERATOR_PODS}}
    account = part("v1", "ServiceAccount", NAME, namespace, {})
    deployment = part("apps/v1", "Deployment", NAME, namespace, {"spec": _deployment(wanted)})
    disruption = part("policy/v1", "PodDisruptionBudget", NAME, namespace, {"spec": budget})
    if not wanted.metrics_api:
        return [account, *_rights(wanted), deployment, disruption]
    return [
        account,
        *_rights(wanted),
        *metrics_api.metrics_rights(namespace),
        metrics_api.metrics_service(namespace),
        deployment,
        disruption,
        *metrics_api.registrations(namespace),
    ]


def _rights(wanted: Installation) -> list[Json]:
    own = wanted.namespace
    election = granted("Role", f"{NAME}-election", own, election_rules(NAME), own)
    if not wanted.watched:
        return [*election, *granted("ClusterRole", NAME, None, agent_rules(), own)]
    return [
        *election,
        *(
            each
            for namespace in wanted.watched
            for each in granted("Role", NAME, namespace, agent_rules(), own)
        ),
    ]


def _deployment(wanted: Installation) -> Json:
    return {
        "replicas": wanted.replicas,
        "selector": {"matchLabels": names.OPERATOR_PODS},
        "template": {
            "metadata": {"labels": names.OPERATOR_PODS},
            "spec": {
                "serviceAccountName": NAME,
                "enableServiceLinks": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": USER_ID,
                    "runAsGroup": USER_ID,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(wanted)],
            },
        },
    }


def _container(wanted: Installation) -> Json:
    def ask(path: str) -> Json:
        return {
            "httpGet": {"path": path, "port": "probes"},
            "periodSeconds": 5,
            "timeoutSeconds": 3,
        }

    return {
        "name": "operator",
        "image": wanted.image,
        "imagePullPolicy": wanted.pull_policy,
        "args": ["run"],
        "env": [
            _field("POD_NAME", "metadata.name"),
            _field("INTERJECT_LEASE_NAMESPACE", "metadata.namespace"),
            {"name": "INTERJECT_NAMESPACES", "value": " ".join(wanted.watched)},
            {"name": "INTERJECT_MEDIA_IMAGE", "value": wanted.media_image},
            {"name": "INTERJECT_PULL_POLICY", "value": wanted.pull_policy},
            *_own_certificate(wanted),
        ],
        "ports": [
            {"name": "probes", "containerPort": _PROBE_PORT, "protocol": "TCP"},
            {"name": "metrics-api", "containerPort": metrics_api.PORT, "protocol": "TCP"},
        ],
        "readinessProbe": ask("/readyz"),
        "livenessProbe": ask("/livez"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        },
    }


def _own_certificate(wanted: Installation) -> list[Json]:
    if not wanted.metrics_api:
        return []
    return [
        {"name": "INTERJECT_METRICS_API_SECRET", "value": metrics_api.SECRET},
        {"name": "INTERJECT_METRICS_API_SERVICE", "value": metrics_api.SERVICE},
    ]


def _field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
