"""Prometheus alerting rules.

critical: callers are rejected or cut off now; page the on-call engineer. warning: call quality is
degraded, or one more failure would affect callers; handle during working hours.

None fires because a release, an agent or a trunk was removed on purpose, even where the rules stay:
their series end with them, and what is missing only counts beside something that is still there.
"""

from typing import Final

import yaml

from observability.alert import Alert
from observability.alerts_operator import OPERATOR_ALERTS
from observability.promql import NOT_SELECTED, NOT_TOOLS, by_agent

SEEN: Final = "[1h]"
"""How long a target that has disappeared still counts as missing."""

_FREE: Final = (
    "(interject_capacity_calls - interject_active_calls) and (interject_draining_seconds == 0)"
)

_AGENT: Final = "{{ $labels.namespace }}/{{ $labels.agent }}"
_POD: Final = "{{ $labels.namespace }}/{{ $labels.pod }}"


def _agents(counter: str, window: str, labels: str) -> str:
    counted = by_agent(f"increase({counter}[{window}])", NOT_SELECTED)
    return f"sum by (cluster, namespace, agent, {labels}) ({counted})"


_CALLS: Final = (
    Alert(
        "InterjectNoCapacity",
        f"(sum by (cluster, namespace, agent) ({by_agent(_FREE, NOT_SELECTED)}) "
        "or 0 * count by (cluster, namespace, agent) (interject_pod_info)) <= 0",
        "1m",
        "critical",
        f"Agent {_AGENT} has no free call slots",
        "All call slots of all pods that accept calls have been in use for 1 minute. "
        "New callers are rejected.",
    ),
    Alert(
        "InterjectPodCannotDrain",
        "(interject_draining_seconds > 0.8 * interject_drain_timeout_seconds "
        "and interject_active_calls > 0) "
        "or interject_draining_seconds > interject_drain_timeout_seconds + 60",
        "0m",
        "warning",
        f"Pod {_POD} is not draining in time",
        "The pod has been draining for {{ $value | humanizeDuration }}. "
        "At the drain timeout, the bot says goodbye and ends the remaining conversations.",
    ),
    Alert(
        "InterjectFalseStopsSuspected",
        f"{_agents('interject_suspected_false_stops_total', '30m', 'echo')} > 5 "
        f"and {_agents('interject_suspected_false_stops_total', '30m', 'echo')} "
        f"> 0.3 * {_agents('interject_stops_total', '30m', 'echo')}",
        "10m",
        "warning",
        f"Agent {_AGENT} has a high rate of suspected false stops, echo delay "
        "{{ $labels.echo }}",
        "In the last 30 minutes, {{ $value | humanize }} interruptions (more than 30 %) were "
        "followed by no recognized words and by less than 0.3 s of speech of the caller.",
    ),
    Alert(
        "InterjectProviderFailing",
        f"{_agents(f'interject_provider_errors_total{NOT_TOOLS}', '5m', 'kind, provider')} / "
        f"({_agents(f'interject_provider_requests_total{NOT_TOOLS}', '5m', 'kind, provider')} > 0) "
        "> 0.1",
        "2m",
        "critical",
        f"{{{{ $labels.kind }}}} provider {{{{ $labels.provider }}}} of agent {_AGENT} is failing",
        "{{ $value | humanizePercentage }} of its requests in the last 5 minutes failed or timed "
        "out. Its fallbacks take over; without one, a call ends after two failures in a row.",
    ),
)

_PODS: Final = (
    Alert(
        "InterjectLateTicks",
        "rate(interject_late_ticks_total[5m]) > 0.5",
        "5m",
        "warning",
        f"Pod {_POD} misses its 20 ms ticks",
        "The pod skips {{ $value | humanize }} of 50 ticks per second. Each skipped tick is a gap "
        "of 20 ms of speech in all calls of the pod.",
    ),
    Alert(
        "InterjectPodDown",
        f"up == 0 and on (cluster, namespace, pod) count_over_time(interject_pod_info{SEEN})",
        "2m",
        "critical",
        f"Media pod {_POD} is down",
        "Prometheus has not been able to scrape the pod for 2 minutes. "
        "Its calls are probably lost.",
    ),
    Alert(
        "InterjectPodMetricsAbsent",
        "max by (cluster) (interject_operator_agents) > 0 "
        "unless on (cluster) count by (cluster) (interject_pod_info)",
        "10m",
        "warning",
        "Prometheus scrapes no media pods",
        "The operator manages {{ $value }} agents, but Prometheus has no metrics of their pods. "
        "No other alert on calls can fire.",
    ),
)

_INFRASTRUCTURE: Final = (
    Alert(
        "InterjectOperatorNotLeading",
        "max by (cluster, namespace) (interject_operator_leader) == 0",
        "2m",
        "warning",
        "No operator replica is the leader in {{ $labels.namespace }}",
        "Replicas are running, but none holds the Lease. Calls continue; changes of VoiceAgents, "
        "scaling and extensions are not processed.",
    ),
    Alert(
        "InterjectOperatorAbsent",
        "count by (cluster) (interject_pod_info) "
        "unless on (cluster) count by (cluster) (interject_operator_leader)",
        "10m",
        "warning",
        "The operator is absent",
        "{{ $value }} media pods run, and Prometheus scrapes no replica of the operator. "
        "Calls continue; changes of VoiceAgents, scaling and extensions are not processed.",
    ),
    Alert(
        "InterjectAsteriskDown",
        "(up == 0 and on (cluster, namespace, pod) "
        f"count_over_time(asterisk_core_uptime_seconds{SEEN})) "
        "or (0 * count by (cluster, namespace) "
        f"(count_over_time(asterisk_core_uptime_seconds{SEEN})) "
        "unless on (cluster, namespace) asterisk_core_uptime_seconds "
        "and on (cluster) max by (cluster) (interject_operator_agents) > 0)",
        "1m",
        "critical",
        "Asterisk {{ $labels.namespace }}/{{ $labels.pod }} is down",
        "Prometheus has not been able to scrape it for 1 minute. Its phones and trunks can "
        "neither make nor receive calls.",
    ),
)

GROUPS: Final = {
    "interject-calls": _CALLS,
    "interject-pods": _PODS,
    "interject-around": (*_INFRASTRUCTURE, *OPERATOR_ALERTS),
}
ALERTS: Final = tuple(alert for alerts in GROUPS.values() for alert in alerts)


def to_yaml() -> str:
    """The Prometheus rule file, as YAML."""
    groups = [
        {"name": name, "rules": [alert.rule for alert in alerts]} for name, alerts in GROUPS.items()
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, width=100, allow_unicode=True)
