"""The kinds of objects that the operator reads or writes, and their addresses in the API."""

from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]
"""An object as the API writes it: JSON."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object; `head` is for those in a namespace."""

    group: str
    """"" for the core group."""
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As an object's apiVersion has it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, sub: str = "") -> str:
        """The path of a list or of one object; without a namespace, of all of them.

        Args:
            sub: a subresource, such as `status`.
        """
        root = f"/apis/{self.group}" if self.group else "/api"
        parts = [root, self.version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, sub) if part]
        return "/".join(parts)

    def head(self, namespace: str, name: str) -> Json:
        """apiVersion, kind and metadata of an object."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": name, "namespace": namespace},
        }


GROUP: Final = "interject.dev"
VERSION: Final = "v1alpha1"

VOICE_AGENT: Final = Kind(GROUP, VERSION, "voiceagents", "VoiceAgent")
CONFIG_MAP: Final = Kind("", "v1", "configmaps", "ConfigMap")
EVENT: Final = Kind("events.k8s.io", "v1", "events", "Event")
POD: Final = Kind("", "v1", "pods", "Pod")
SECRET: Final = Kind("", "v1", "secrets", "Secret")
SERVICE: Final = Kind("", "v1", "services", "Service")
SERVICE_ACCOUNT: Final = Kind("", "v1", "serviceaccounts", "ServiceAccount")
DEPLOYMENT: Final = Kind("apps", "v1", "deployments", "Deployment")
AUTOSCALER: Final = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
DISRUPTION_BUDGET: Final = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
POD_MONITOR: Final = Kind("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor")
SCALED_OBJECT: Final = Kind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
LEASE: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")
API_SERVICE: Final = Kind("apiregistration.k8s.io", "v1", "apiservices", "APIService")
