"""What the metrics API needs of the cluster: a Service, its registration, and rights."""

from typing import Final

from voiceagent_operator import names
from voiceagent_operator.install.parts import NAME, bound, granted, part
from voiceagent_operator.install.rules import api_service_rules, certificate_rules
from voiceagent_operator.kube.kinds import API_SERVICE, Json
from voiceagent_operator.metrics_api.documents import API_SERVICES, GROUP, VERSIONS

SERVICE: Final = f"{NAME}-metrics"
SECRET: Final = f"{NAME}-metrics"
PORT: Final = 8443


def metrics_service(namespace: str) -> Json:
    """By which the API server asks for the metrics API."""
    ports = [{"name": "https", "port": 443, "targetPort": "metrics-api", "protocol": "TCP"}]
    return part(
        "v1", "Service", SERVICE, namespace,
        {"spec": {"selector": names.OPERATOR_PODS, "ports": ports}},
    )  # fmt: skip


def metrics_rights(namespace: str) -> list[Json]:
    """To keep a certificate and have it believed; to know the API server, and who may ask."""
    return [
        *granted("Role", f"{NAME}-certificate", namespace, certificate_rules(SECRET), namespace),
        *granted("ClusterRole", f"{NAME}-apiservices", None, api_service_rules(), namespace),
        bound("ClusterRole", "system:auth-delegator", f"{NAME}-delegator", None, namespace),
        bound(
            *("Role", "extension-apiserver-authentication-reader", f"{NAME}-authentication"),
            *("kube-system", namespace),
        ),
    ]


def registrations(namespace: str) -> list[Json]:
    """The APIServices; their caBundle is written by the operator."""
    service = {"name": SERVICE, "namespace": namespace, "port": 443}
    return [
        part(
            API_SERVICE.api_version, API_SERVICE.kind, name, None,
            {
                "spec": {
                    "group": GROUP,
                    "version": version,
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100 + preference,
                    "service": service,
                }
            },
        )
        for preference, (name, version) in enumerate(
            zip(reversed(API_SERVICES), reversed(VERSIONS), strict=True)
        )
    ]  # fmt: skip
