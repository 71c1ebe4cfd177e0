"""Everything that runs the operator: identity, rights, two replicas and their budget."""

from dataclasses import dataclass
from typing import Any, Final

from voiceagent_operator import names
from voiceagent_operator.install.rules import agent_rules, election_rules
from voiceagent_operator.kube.kinds import Json

NAME: Final = "interject-operator"
USER_ID: Final = 10001
"""The user that the image has; not root."""
_RBAC = "rbac.authorization.k8s.io"
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


def objects(wanted: Installation) -> list[Json]:
    """The objects, in the order in which they are applied."""
    return [
        _object("v1", "ServiceAccount", NAME, wanted.namespace, {}),
        *_rights(wanted),
        _object("apps/v1", "Deployment", NAME, wanted.namespace, {"spec": _deployment(wanted)}),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            NAME,
            wanted.namespace,
            {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": names.OPERATOR_PODS}}},
        ),
    ]


def _rights(wanted: Installation) -> list[Json]:
    lease = election_rules(NAME)
    election = _granted("Role", f"{NAME}-election", wanted.namespace, lease, wanted)
    if not wanted.watched:
        return [*election, *_granted("ClusterRole", NAME, None, agent_rules(), wanted)]
    return [
        *election,
        *(
            part
            for namespace in wanted.watched
            for part in _granted("Role", NAME, namespace, agent_rules(), wanted)
        ),
    ]


def _granted(
    kind: str, name: str, namespace: str | None, rules: list[Json], wanted: Installation
) -> list[Json]:
    """A role, and the operator's binding to it."""
    binding = {
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": wanted.namespace}],
    }
    return [
        _object(f"{_RBAC}/v1", kind, name, namespace, {"rules": rules}),
        _object(f"{_RBAC}/v1", f"{kind}Binding", name, namespace, binding),
    ]


def _object(
    api_version: str, kind: str, name: str, namespace: str | None, body: dict[str, Any]
) -> Json:
    metadata: Json = {
        "name": name,
        "labels": {**names.OPERATOR_PODS, "app.kubernetes.io/part-of": "interject"},
    }
    if namespace is not None:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


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
        ],
        "ports": [{"name": "probes", "containerPort": _PROBE_PORT, "protocol": "TCP"}],
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


def _field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
