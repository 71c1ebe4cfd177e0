"""PromQL expressions shared by dashboards and alerts.

Queries rely on the target labels `namespace` and `pod`, which every scrape configuration for pods
sets. A Prometheus of several clusters has `cluster` besides; elsewhere this label is empty. The
metric `interject_pod_info` maps pods to agents, so queries by agent do not depend on further target
labels.
"""

from typing import Final

from observability.model import Query, Variable

CLUSTER: Final = '{cluster=~"$cluster"}'
AGENT: Final = '{cluster=~"$cluster", namespace=~"$namespace", agent=~"$agent"}'
POD: Final = '{cluster=~"$cluster", namespace=~"$namespace", pod=~"$pod"}'
NAMESPACE: Final = '{cluster=~"$cluster", namespace=~"$namespace"}'
NOT_SELECTED: Final = ""
"""For alerts, which have no variables."""
NOT_TOOLS: Final = '{kind!="tool"}'
"""A tool that fails is a result for the model; the conversation goes on."""
ALL_CLUSTERS: Final = Variable(
    "cluster", "Cluster", '{__name__=~"interject_.+|asterisk_.+"}', all_value=".*"
)
"""The first variable of each dashboard; all clusters include series without the label."""
RATE: Final = "[$__rate_interval]"
QUANTILES: Final = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))


def by_agent(expr: str, where: str = AGENT) -> str:
    """`expr`, a vector by pod, joined with the label `agent`; only pods that match `where`."""
    return f"({expr}) * on (cluster, namespace, pod) group_left (agent) interject_pod_info{where}"


def rate(counter: str, where: str = NAMESPACE) -> str:
    """Rate of a counter per second."""
    return f"rate({counter}{where}{RATE})"


def buckets(histogram: str, where: str = AGENT) -> str:
    """Rate of a histogram's buckets per second, by `le`."""
    return f"sum by (le) ({by_agent(rate(histogram + '_bucket'), where)})"


def share(part: str, whole: str) -> str:
    """Ratio `part` / `whole`; no sample where `whole` is 0.

    `part` is counted slightly later than `whole`, so in a short range it can be larger. Hence the
    clamp.
    """
    return f"clamp_max({part} / ({whole} > 0), 1)"


def quantiles(rates: str, *, exemplars: bool = False) -> tuple[Query, ...]:
    """Queries for p50, p90 and p99.

    Args:
        rates: rate of the buckets, by `le` alone.
    """
    return tuple(
        Query(f"histogram_quantile({share}, {rates})", name, exemplars) for share, name in QUANTILES
    )
