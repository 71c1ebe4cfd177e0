"""RBAC rules that the operator needs, each with its reason. The only list of them.

Tests hold the chart's roles equal to it, and the API server of the unit tests refuses every request
that no rule allows. No rule has a wildcard, and the only readable Secret is the operator's own
certificate. Rules for namespaced objects become a Role in each watched namespace, or a ClusterRole
if all namespaces are watched.
"""

from collections.abc import Sequence
from typing import Final

from voiceagent_operator.kube.kinds import (
    API_SERVICE,
    CONFIG_MAP,
    EVENT,
    LEASE,
    POD,
    SECRET,
    VOICE_AGENT,
    Json,
    Kind,
)
from voiceagent_operator.metrics_api.documents import API_SERVICES
from voiceagent_operator.render.children import KINDS, PRUNED

_READ: Final = ("get", "list", "watch")
_KEEP: Final = (*_READ, "create", "patch", "update")
"""Server-side apply is a patch, and a create where nothing is there."""
_DELETED: Final = PRUNED | {CONFIG_MAP}
"""The dialplan of an Asterisk that is gone is a ConfigMap."""


def _rule(kind: Kind, verbs: Sequence[str], subresource: str = "") -> Json:
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return {"apiGroups": [kind.group], "resources": [resource], "verbs": list(verbs)}


def agent_rules() -> list[Json]:
    """In each watched namespace."""
    return [
        _rule(VOICE_AGENT, _READ),
        _rule(VOICE_AGENT, ["patch"], "status"),
        # Children have blockOwnerDeletion, for which OwnerReferencesPermissionEnforcement requires
        # this right. The operator sets no finalizer.
        _rule(VOICE_AGENT, ["update"], "finalizers"),
        *(_rule(kind, (*_KEEP, "delete") if kind in _DELETED else _KEEP) for kind in KINDS),
        # Pods show the cause of a failure, and get the number of their calls as deletion cost.
        _rule(POD, [*_READ, "patch"]),
        # Condition changes are reported as events; a failed mount is reported by events alone.
        _rule(EVENT, ["create", "list"]),
    ]


def election_rules(lease: str) -> list[Json]:
    """In the operator's own namespace. A create cannot be limited to a name."""
    return [
        _rule(LEASE, ["create"]),
        _rule(LEASE, ["get", "update"]) | {"resourceNames": [lease]},
    ]


def certificate_rules(secret: str) -> list[Json]:
    """In the operator's own namespace, for the certificate that it makes for its metrics API."""
    return [
        _rule(SECRET, ["create"]),
        _rule(SECRET, ["get", "update"]) | {"resourceNames": [secret]},
    ]


def api_service_rules() -> list[Json]:
    """In the cluster: to write the CA of the metrics API into its APIServices."""
    return [_rule(API_SERVICE, ["get", "patch"]) | {"resourceNames": list(API_SERVICES)}]
