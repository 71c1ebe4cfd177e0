"""Alerts on what the operator and Asterisk report of agents, trunks and the metrics API.

In the operator's metrics the label `namespace` is its own; that of an agent is `agent_namespace`.
One replica, the leader, reports agents.
"""

from typing import Final

from observability.alert import Alert

_AGENT: Final = "{{ $labels.agent_namespace }}/{{ $labels.agent }}"


def _pods(state: str) -> str:
    """Pods of each agent: wanted, ready, or the most that its autoscaler may want."""
    series = f'interject_operator_agent_pods{{state="{state}"}}'
    return f"max by (cluster, agent_namespace, agent) ({series})"


OPERATOR_ALERTS: Final = (
    Alert(
        "InterjectAgentNotReady",
        f"{_pods('ready')} == 0 and {_pods('wanted')} > 0",
        "5m",
        "critical",
        f"Agent {_AGENT} has no ready pods",
        "None of its pods has been ready for 5 minutes. All of its callers are rejected.",
    ),
    Alert(
        "InterjectAgentAtMaximum",
        f"{_pods('wanted')} >= {_pods('most')}",
        "15m",
        "warning",
        f"Agent {_AGENT} has as many pods as its autoscaler may create",
        "It has wanted {{ $value }} pods, its autoscaling.maxReplicas, for 15 minutes. If the "
        "number of calls rises further, callers are rejected.",
    ),
    Alert(
        "InterjectTrunkNotRegistered",
        "max by (cluster, namespace, pod, domain) "
        "(asterisk_pjsip_outbound_registration_status != 1)",
        "5m",
        "critical",
        "Asterisk {{ $labels.namespace }}/{{ $labels.pod }} is not registered at "
        "{{ $labels.domain }}",
        "The registration of the trunk has failed for 5 minutes (0: no answer, 2: rejected; now "
        "{{ $value }}). Calls to its numbers do not arrive.",
    ),
    Alert(
        "InterjectMetricsApiUnavailable",
        "max by (cluster, api_service) (interject_operator_api_service_available) == 0 or "
        "max by (cluster, api_service) (label_replace(aggregator_unavailable_apiservice"
        '{name=~"v1beta[12].custom.metrics.k8s.io"}, "api_service", "$1", "name", "(.*)")) == 1',
        "5m",
        "warning",
        "APIService {{ $labels.api_service }} is not available",
        "The API server has not reached the operator's metrics API for 5 minutes. Agents with "
        "metricSource operator do not scale, and the cluster cannot delete namespaces.",
    ),
)
