"""The operator's own objects, as the chart renders them: of a release, this part alone."""

from typing import Final

import yaml
from helm_python import Chart

from cluster.cluster import Json
from cluster.images import PULL_POLICY
from cluster.releases import CHART

RELEASE: Final = "interject"
NAME: Final = "interject-operator"
"""Of the Deployment, the account and the Lease."""
SECRET: Final = "interject-metrics-api-tls"
SERVICE: Final = "interject-metrics-api"


def operator_objects(
    namespace: str,
    *,
    watched: tuple[str, ...] = (),
    image: str = "none:0",
    metrics_api: bool = False,
) -> list[Json]:
    """Account, rights, Deployment and budget; with `metrics_api` its Service and registration too.

    Args:
        namespace: where the operator runs.
        watched: namespaces with a Role in each; empty for all, by a ClusterRole.
        image: of the operator, which the nodes have.
    """
    repository, _, tag = image.rpartition(":")
    values = {
        "crds": {"enabled": False, "check": False},
        "metricsApi": {"enabled": metrics_api, "onlyProvider": True},
        "asterisk": {"enabled": False},
        "operator": {
            "watchNamespaces": list(watched),
            "image": {"repository": repository, "tag": tag, "pullPolicy": PULL_POLICY},
        },
    }
    rendered = Chart.load(CHART).render(values, name=RELEASE, namespace=namespace)
    return [
        document
        for path, text in sorted(rendered.items())
        if "/templates/operator/" in path and path.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    ]
