"""Documents of the custom metrics API, in each of its versions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.media_pods import METRIC

GROUP: Final = "custom.metrics.k8s.io"
VERSIONS: Final = ("v1beta2", "v1beta1")
"""The preferred one first. Autoscalers understand both; some clusters' tools only the second."""
API_SERVICES: Final = tuple(f"{version}.{GROUP}" for version in VERSIONS)
"""Names of the APIService objects that register them, in the same order."""

_REASONS: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    503: "ServiceUnavailable",
}


@dataclass(frozen=True, slots=True)
class Value:
    """Active calls of a pod at a time."""

    namespace: str
    pod: str
    calls: int
    at: datetime


def group_list() -> Json:
    """The groups that are served here."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group()]}


def group() -> Json:
    """The group and its versions."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group()}


def resource_list(version: str) -> Json:
    """The served metrics."""
    resource = {
        "name": f"pods/{METRIC}",
        "singularName": "",
        "namespaced": True,
        "kind": "MetricValueList",
        "verbs": ["get"],
    }
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{version}",
        "resources": [resource],
    }


def value_list(version: str, values: Iterable[Value]) -> Json:
    """The values of some pods."""
    return {
        "kind": "MetricValueList",
        "apiVersion": f"{GROUP}/{version}",
        "metadata": {},
        "items": [_item(version, value) for value in values],
    }


def status(code: int, message: str) -> Json:
    """An error, as a Status object of Kubernetes."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(code, HTTPStatus(code).phrase.replace(" ", "")),
        "code": code,
    }


def _group() -> Json:
    versions = [{"groupVersion": f"{GROUP}/{each}", "version": each} for each in VERSIONS]
    return {"name": GROUP, "versions": versions, "preferredVersion": versions[0]}


def _item(version: str, value: Value) -> Json:
    described = {
        "kind": "Pod",
        "namespace": value.namespace,
        "name": value.pod,
        "apiVersion": "v1",
    }
    metric: Json = {"metricName": METRIC} if version == "v1beta1" else {"metric": {"name": METRIC}}
    return {
        "describedObject": described,
        **metric,
        "timestamp": value.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "value": str(value.calls),
    }
