"""The Secret with the serving certificate that the operator makes: how it is read and written."""

import base64
from collections.abc import Mapping
from typing import Final

from voiceagent_operator import names
from voiceagent_operator.kube.kinds import SECRET, Json
from voiceagent_operator.metrics_api.issuing import Serving

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
AUTHORITIES: Final = "ca.crt"
_TYPE: Final = "kubernetes.io/tls"
_LABELS: Final[Mapping[str, str]] = {
    "app.kubernetes.io/name": "interject-metrics-api",
    "app.kubernetes.io/part-of": "interject",
    names.MANAGER: names.MANAGED_BY,
}


def is_ours(secret: Json) -> bool:
    """Whether the operator made it, and may write it."""
    labels = secret["metadata"].get("labels") or {}
    return labels.get(names.MANAGER) == names.MANAGED_BY and secret.get("type") == _TYPE


def serving_of(secret: Json) -> Serving:
    """What is in it; empty where something is missing."""
    data = secret.get("data") or {}
    return Serving(
        *(base64.b64decode(data.get(key) or "") for key in (CERTIFICATE, KEY, AUTHORITIES))
    )


def secret_with(serving: Serving, namespace: str, name: str, found: Json | None) -> Json:
    """The Secret as it is to be written.

    Args:
        found: the one that is there, whose version it replaces; None for a new one.
    """
    head = SECRET.head(namespace, name)
    metadata = {**head["metadata"], "labels": dict(_LABELS)} if found is None else found["metadata"]
    parts = {
        CERTIFICATE: serving.certificate,
        KEY: serving.key,
        AUTHORITIES: serving.authorities,
    }
    data = {key: base64.b64encode(pem).decode() for key, pem in parts.items()}
    return {**head, "metadata": metadata, "type": _TYPE, "data": data}
