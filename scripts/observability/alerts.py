"""What people are woken for, and what can wait until the morning.

critical: callers are turned away or cut off, now. warning: calls are worse than they should be, or
would be if one more thing failed.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from observability.promql import by_agent

RUNBOOKS: Final = "docs/runbooks"
"""Where each alert's runbook is; the chart puts an address in its place."""
SEEN: Final = "[1h]"
"""How long something that is gone is still missed."""

_EVERYWHERE: Final = ""
_FREE: Final = (
    "(interject_capacity_calls - interject_active_calls) and (interject_draining_seconds == 0)"
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; it is named as its runbook's file is."""

    name: str
    expr: str
    lasts: str
    """For how long, before it fires."""
    severity: str
    summary: str
    description: str

    @property
    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.lasts,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}/{self.name}.md",
            },
        }


_AGENT: Final = "{{ $labels.namespace }}/{{ $labels.agent }}"
_POD: Final = "{{ $labels.namespace }}/{{ $labels.pod }}"


def _agents(counter: str, window: str, labels: str) -> str:
    counted = by_agent(f"increase({counter}[{window}])", _EVERYWHERE)
    return f"sum by (namespace, agent, {labels}) ({counted})"


_CALLS: Final = (
    Alert(
        "InterjectNoCapacity",
        f"(sum by (namespace, agent) ({by_agent(_FREE, _EVERYWHERE)}) "
        "or 0 * count by (namespace, agent) (interject_pod_info)) <= 0",
        "1m",
        "critical",
        f"Agent {_AGENT} has no free slot",
        "Every slot of every pod that takes calls has been taken for a minute: "
        "new callers are turned away.",
    ),
    Alert(
        "InterjectPodCannotDrain",
        "(interject_draining_seconds > 0.8 * interject_drain_timeout_seconds "
        "and interject_active_calls > 0) "
        "or interject_draining_seconds > interject_drain_timeout_seconds + 60",
        "0m",
        "warning",
        f"Pod {_POD} does not get rid of its calls",
        "It has been draining for {{ $value | humanizeDuration }}. "
        "When its time is over it says goodbye to the calls that are left.",
    ),
    Alert(
        "InterjectFalseStopsSuspected",
        f"{_agents('interject_suspected_false_stops_total', '30m', 'echo')} > 5 "
        f"and {_agents('interject_suspected_false_stops_total', '30m', 'echo')} "
        f"> 0.3 * {_agents('interject_stops_total', '30m', 'echo')}",
        "10m",
        "warning",
        f"Agent {_AGENT} seems to stop for nothing where the echo's delay is "
        "{{ $labels.echo }}",
        "After {{ $value | humanize }} interruptions of the last half hour, more than 3 of 10, "
        "no word of the caller was recognized.",
    ),
    Alert(
        "InterjectProviderFailing",
        f"{_agents('interject_provider_errors_total', '5m', 'kind, provider')} "
        f"/ ({_agents('interject_provider_requests_total', '5m', 'kind, provider')} > 0) > 0.1",
        "2m",
        "critical",
        f"{{{{ $labels.kind }}}} of agent {_AGENT} fails: {{{{ $labels.provider }}}}",
        "{{ $value | humanizePercentage }} of its requests failed or were not answered in time in "
        "the last five minutes. A call whose provider fails twice in a row ends.",
    ),
)

_PODS: Final = (
    Alert(
        "InterjectLateTicks",
        "rate(interject_late_ticks_total[5m]) > 0.5",
        "5m",
        "warning",
        f"Pod {_POD} is late",
        "It skips {{ $value | humanize }} of 50 ticks a second: 20 ms of speech each, "
        "in all of its calls.",
    ),
    Alert(
        "InterjectPodDown",
        f"up == 0 and on (namespace, pod) count_over_time(interject_pod_info{SEEN})",
        "2m",
        "critical",
        f"Pod {_POD} does not answer",
        "Its metrics could not be read for two minutes; the calls that it had are likely gone.",
    ),
    Alert(
        "InterjectPodMetricsAbsent",
        "max(interject_operator_agents) > 0 unless on () count(interject_pod_info)",
        "10m",
        "warning",
        "No media pod's metrics are seen",
        "The operator looks after {{ $value }} agents, and Prometheus reads no pod of theirs: "
        "none of the other alerts on calls can fire.",
    ),
)

_AROUND: Final = (
    Alert(
        "InterjectOperatorNotLeading",
        "max by (namespace) (interject_operator_leader) == 0",
        "2m",
        "warning",
        "No operator leads in {{ $labels.namespace }}",
        "Replicas run, and none has the Lease. Calls go on; changes, scaling and extensions wait.",
    ),
    Alert(
        "InterjectOperatorAbsent",
        "absent(interject_operator_leader)",
        "10m",
        "warning",
        "No operator is seen",
        "Prometheus reads no replica of the operator. Calls go on; changes, scaling and "
        "extensions wait.",
    ),
    Alert(
        "InterjectAsteriskDown",
        f"(up == 0 and on (namespace, pod) count_over_time(asterisk_core_uptime_seconds{SEEN})) "
        f"or (0 * count by (namespace) (count_over_time(asterisk_core_uptime_seconds{SEEN})) "
        "unless on (namespace) asterisk_core_uptime_seconds)",
        "1m",
        "critical",
        "Asterisk {{ $labels.pod }} of {{ $labels.namespace }} does not answer",
        "Its metrics could not be read for a minute; phones and trunks of it can neither call "
        "nor be called.",
    ),
)

GROUPS: Final = {"interject-calls": _CALLS, "interject-pods": _PODS, "interject-around": _AROUND}
ALERTS: Final = tuple(alert for alerts in GROUPS.values() for alert in alerts)


def to_yaml() -> str:
    """The text of the rules' file."""
    groups = [
        {"name": name, "rules": [alert.rule for alert in alerts]} for name, alerts in GROUPS.items()
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, width=100, allow_unicode=True)
