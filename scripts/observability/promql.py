"""PromQL that several dashboards and alerts share.

Queries need the labels `namespace` and `pod` of a target, which every way of scraping pods gives,
and what the pods say of themselves. A pod tells whose it is by `interject_pod_info`, so that an
agent's series are found however they are scraped.
"""

from typing import Final

from observability.model import Query

AGENT: Final = '{namespace=~"$namespace", agent=~"$agent"}'
POD: Final = '{namespace=~"$namespace", pod=~"$pod"}'
NAMESPACE: Final = '{namespace=~"$namespace"}'
RATE: Final = "[$__rate_interval]"
QUANTILES: Final = ((0.5, "median"), (0.9, "9 of 10"), (0.99, "99 of 100"))


def by_agent(expr: str, where: str = AGENT) -> str:
    """`expr`, a vector by pod, with the agent of each pod as a label; only of the pods `where`."""
    return f"({expr}) * on (namespace, pod) group_left (agent) interject_pod_info{where}"


def rate(counter: str, where: str = NAMESPACE) -> str:
    """Events of a counter per second."""
    return f"rate({counter}{where}{RATE})"


def buckets(histogram: str, where: str = AGENT) -> str:
    """The agents' observations by bucket, per second."""
    return f"sum by (le) ({by_agent(rate(histogram + '_bucket'), where)})"


def share(part: str, whole: str) -> str:
    """`part` of `whole`; nothing where there is no whole.

    A part is counted a little after its whole, so that in a short time there may be more of it.
    """
    return f"clamp_max({part} / ({whole} > 0), 1)"


def quantiles(rates: str, *, exemplars: bool = False) -> tuple[Query, ...]:
    """The median and the tail of buckets.

    Args:
        rates: of buckets, by `le` alone.
    """
    return tuple(
        Query(f"histogram_quantile({share}, {rates})", name, exemplars) for share, name in QUANTILES
    )
