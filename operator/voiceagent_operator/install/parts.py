"""What the objects of an installation are made of: heads, rights and whom they are given to."""

from typing import Any, Final

from voiceagent_operator import names
from voiceagent_operator.kube.kinds import Json

NAME: Final = "interject-operator"
_RBAC: Final = "rbac.authorization.k8s.io"


def part(
    api_version: str, kind: str, name: str, namespace: str | None, body: dict[str, Any]
) -> Json:
    """An object of the installation; `namespace` is None for what is in none."""
    metadata: Json = {
        "name": name,
        "labels": {**names.OPERATOR_PODS, "app.kubernetes.io/part-of": "interject"},
    }
    if namespace is not None:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def granted(
    kind: str, name: str, namespace: str | None, rules: list[Json], account: str
) -> list[Json]:
    """A role, and its binding to the operator.

    Args:
        kind: Role or ClusterRole.
        account: namespace of the operator.
    """
    role = part(f"{_RBAC}/v1", kind, name, namespace, {"rules": rules})
    return [role, bound(kind, name, name, namespace, account)]


def bound(kind: str, role: str, name: str, namespace: str | None, account: str) -> Json:
    """A binding of a role, which may be the cluster's own, to the operator."""
    binding = {
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": account}],
    }
    return part(f"{_RBAC}/v1", f"{kind}Binding", name, namespace, binding)
