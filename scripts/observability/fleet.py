"""Dashboard of the fleet: overview of all agents, and the operator."""

from typing import Final

from observability.model import Dashboard, Panel, PanelKind, Query, Row, Unit, Variable
from observability.promql import ALL_CLUSTERS, CLUSTER, NAMESPACE, NOT_TOOLS, by_agent, rate, share

_CALLS: Final = by_agent("interject_active_calls", NAMESPACE)
_CAPACITY: Final = by_agent("interject_capacity_calls", NAMESPACE)
_BY: Final = "sum by (cluster, namespace, agent)"
_NAME: Final = "{{namespace}}/{{agent}}"


def _by_agent(counter: str, where: str = NAMESPACE) -> str:
    return f"{_BY} ({by_agent(rate(counter, where), NAMESPACE)})"


def _slow(quantile: float, histogram: str) -> str:
    rates = by_agent(rate(f"{histogram}_bucket"), NAMESPACE)
    return f"histogram_quantile({quantile}, sum by (le, cluster, namespace, agent) ({rates}))"


_NOW: Final = Row(
    "Now",
    (
        Panel(
            "Calls",
            "How many calls are active?",
            Unit.COUNT,
            (Query(f"sum(interject_active_calls{NAMESPACE})", ""),),
            PanelKind.STAT,
            width=4,
        ),
        Panel(
            "Slots in use",
            "What share of all call slots is in use?",
            Unit.SHARE,
            (
                Query(
                    f"sum(interject_active_calls{NAMESPACE}) / "
                    f"sum(interject_capacity_calls{NAMESPACE})",
                    "",
                ),
            ),
            PanelKind.STAT,
            width=4,
            thresholds=((0, "green"), (0.8, "orange"), (0.95, "red")),
        ),
        Panel(
            "Agents",
            "How many agents have running pods?",
            Unit.COUNT,
            (
                Query(
                    f"count(count by (cluster, namespace, agent) (interject_pod_info{NAMESPACE}))",
                    "",
                ),
            ),
            PanelKind.STAT,
            width=4,
        ),
        Panel(
            "Draining pods",
            "How many pods are waiting for their last calls to end?",
            Unit.COUNT,
            (Query(f"sum(interject_draining_seconds{NAMESPACE} > bool 0)", ""),),
            PanelKind.STAT,
            width=4,
        ),
        Panel(
            "Skipped ticks",
            "How many 20 ms ticks were skipped in the selected time? Each is a gap in speech.",
            Unit.COUNT,
            (Query(f"round(sum(increase(interject_late_ticks_total{NAMESPACE}[$__range])))", ""),),
            PanelKind.STAT,
            width=4,
            thresholds=((0, "green"), (50, "orange"), (500, "red")),
        ),
        Panel(
            "Operator leader",
            "Is there a leader (1)? Without one, calls continue, but changes are not processed.",
            Unit.COUNT,
            (Query(f"sum(interject_operator_leader{CLUSTER})", ""),),
            PanelKind.STAT,
            width=4,
            thresholds=((0, "red"), (1, "green")),
        ),
    ),
)

_AGENTS: Final = Row(
    "Agents",
    (
        Panel(
            "Calls, by agent",
            "Which agents have calls?",
            Unit.COUNT,
            (Query(f"{_BY} ({_CALLS})", _NAME),),
            PanelKind.STACK,
        ),
        Panel(
            "Slots in use, by agent",
            "Which agent is running out of capacity?",
            Unit.SHARE,
            (Query(f"{_BY} ({_CALLS}) / {_BY} ({_CAPACITY})", _NAME),),
            axis_max=1,
        ),
        Panel(
            "Onset to silence (p90), by agent",
            "Which agents stop late? 90 % of stops were within this time.",
            Unit.SECONDS,
            (Query(_slow(0.9, "interject_barge_in_stop_seconds"), _NAME, exemplars=True),),
            thresholds=((0, "green"), (0.2, "orange"), (0.4, "red")),
        ),
        Panel(
            "Suspected false stops, by agent",
            "Which agents stop although the caller says nothing?",
            Unit.SHARE,
            (
                Query(
                    share(
                        _by_agent("interject_suspected_false_stops_total"),
                        _by_agent("interject_stops_total"),
                    ),
                    _NAME,
                ),
            ),
            axis_max=1,
        ),
        Panel(
            "Calls that ended with an error, by agent",
            "Which agents lose calls?",
            Unit.PER_MINUTE,
            (
                Query(
                    "60 * "
                    + _by_agent("interject_calls_total").replace(
                        "interject_calls_total{", 'interject_calls_total{ended=~"error|pod", '
                    ),
                    _NAME,
                ),
            ),
        ),
        Panel(
            "Failed provider requests, by agent",
            "Which agents have failing providers?",
            Unit.SHARE,
            (
                Query(
                    share(
                        _by_agent("interject_provider_errors_total", NOT_TOOLS),
                        _by_agent("interject_provider_requests_total", NOT_TOOLS),
                    ),
                    _NAME,
                ),
            ),
            axis_max=1,
        ),
    ),
)

_OPERATOR: Final = Row(
    "Operator",
    (
        Panel(
            "Reconciliations, by result",
            "Does the operator reconcile VoiceAgents without errors?",
            Unit.PER_MINUTE,
            (
                Query(
                    "60 * sum by (result) "
                    f"({rate('interject_operator_reconciles_total', CLUSTER)})",
                    "{{result}}",
                ),
            ),
            PanelKind.STACK,
            width=8,
        ),
        Panel(
            "Requests to the API server",
            "Does the API server answer the operator's requests?",
            Unit.PER_MINUTE,
            (
                Query(
                    "60 * sum by (verb, status) "
                    f"({rate('interject_operator_api_requests_total', CLUSTER)})",
                    "{{verb}} {{status}}",
                ),
            ),
            width=8,
        ),
        Panel(
            "Watch age",
            "How long ago did each watch last receive data? After 5 minutes the replica restarts.",
            Unit.SECONDS,
            (Query(f"max by (kind) (interject_operator_watch_age_seconds{CLUSTER})", "{{kind}}"),),
            width=8,
        ),
    ),
)

FLEET_DASHBOARD: Final = Dashboard(
    "interject-fleet",
    "Interject / Fleet",
    "Overview of all agents, and the operator.",
    (ALL_CLUSTERS, Variable("namespace", "Namespace", f"interject_pod_info{CLUSTER}")),
    (_NOW, _AGENTS, _OPERATOR),
)
