"""The fleet: every agent at a glance, and the operator that looks after them."""

from typing import Final

from observability.model import Dashboard, Kind, Panel, Query, Row, Unit, Variable
from observability.promql import NAMESPACE, by_agent, rate, share

_CALLS: Final = by_agent("interject_active_calls", NAMESPACE)
_CAPACITY: Final = by_agent("interject_capacity_calls", NAMESPACE)
_BY: Final = "sum by (namespace, agent)"
_NAME: Final = "{{namespace}}/{{agent}}"


def _by_agent(counter: str) -> str:
    return f"{_BY} ({by_agent(rate(counter), NAMESPACE)})"


def _slow(quantile: float, histogram: str) -> str:
    rates = by_agent(rate(f"{histogram}_bucket"), NAMESPACE)
    return f"histogram_quantile({quantile}, sum by (le, namespace, agent) ({rates}))"


_NOW: Final = Row(
    "Now",
    (
        Panel(
            "Calls",
            "How many callers are being talked to?",
            Unit.COUNT,
            (Query(f"sum(interject_active_calls{NAMESPACE})", ""),),
            Kind.STAT,
            width=4,
        ),
        Panel(
            "Slots in use",
            "How full is the fleet?",
            Unit.SHARE,
            (
                Query(
                    f"sum(interject_active_calls{NAMESPACE}) / "
                    f"sum(interject_capacity_calls{NAMESPACE})",
                    "",
                ),
            ),
            Kind.STAT,
            width=4,
            limits=((0, "green"), (0.8, "orange"), (0.95, "red")),
        ),
        Panel(
            "Agents",
            "How many agents have pods that answer?",
            Unit.COUNT,
            (
                Query(
                    f"count(count by (namespace, agent) (interject_pod_info{NAMESPACE}))",
                    "",
                ),
            ),
            Kind.STAT,
            width=4,
        ),
        Panel(
            "Pods that drain",
            "How many pods wait for their last calls?",
            Unit.COUNT,
            (Query(f"sum(interject_draining_seconds{NAMESPACE} > bool 0)", ""),),
            Kind.STAT,
            width=4,
        ),
        Panel(
            "Ticks skipped",
            "How many 20 ms ticks were skipped in the time that is shown? Each is a gap in speech.",
            Unit.COUNT,
            (Query(f"round(sum(increase(interject_late_ticks_total{NAMESPACE}[$__range])))", ""),),
            Kind.STAT,
            width=4,
            limits=((0, "green"), (50, "orange"), (500, "red")),
        ),
        Panel(
            "Leading operators",
            "Does an operator lead? Without one calls go on, and changes wait.",
            Unit.COUNT,
            (Query("sum(interject_operator_leader)", ""),),
            Kind.STAT,
            width=4,
            limits=((0, "red"), (1, "green")),
        ),
    ),
)

_AGENTS: Final = Row(
    "Agents",
    (
        Panel(
            "Calls, by agent",
            "Which agents are called?",
            Unit.COUNT,
            (Query(f"{_BY} ({_CALLS})", _NAME),),
            Kind.STACK,
        ),
        Panel(
            "Slots in use, by agent",
            "Which agent is about to be full?",
            Unit.SHARE,
            (Query(f"{_BY} ({_CALLS}) / {_BY} ({_CAPACITY})", _NAME),),
            most=1,
        ),
        Panel(
            "Onset to silence, by agent",
            "Which agents stop late? Nine of ten stops were within this.",
            Unit.SECONDS,
            (Query(_slow(0.9, "interject_barge_in_stop_seconds"), _NAME, exemplars=True),),
            limits=((0, "green"), (0.2, "orange"), (0.4, "red")),
        ),
        Panel(
            "Suspected false stops, by agent",
            "Which agents stop for nothing?",
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
            most=1,
        ),
        Panel(
            "Calls that ended with an error, by agent",
            "Where do calls break off?",
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
            "Provider requests that failed, by agent",
            "Whose providers fail?",
            Unit.SHARE,
            (
                Query(
                    share(
                        _by_agent("interject_provider_errors_total"),
                        _by_agent("interject_provider_requests_total"),
                    ),
                    _NAME,
                ),
            ),
            most=1,
        ),
    ),
)

_OPERATOR: Final = Row(
    "Operator",
    (
        Panel(
            "Looks, by result",
            "Does the operator get its work done?",
            Unit.PER_MINUTE,
            (
                Query(
                    "60 * sum by (result) "
                    "(rate(interject_operator_reconciles_total[$__rate_interval]))",
                    "{{result}}",
                ),
            ),
            Kind.STACK,
            width=8,
        ),
        Panel(
            "Requests to the API server",
            "Does the API server answer the operator?",
            Unit.PER_MINUTE,
            (
                Query(
                    "60 * sum by (verb, status) "
                    "(rate(interject_operator_api_requests_total[$__rate_interval]))",
                    "{{verb}} {{status}}",
                ),
            ),
            width=8,
        ),
        Panel(
            "Age of watches",
            "For how long has each watch been silent? After five minutes the replica restarts.",
            Unit.SECONDS,
            (Query("max by (kind) (interject_operator_watch_age_seconds)", "{{kind}}"),),
            width=8,
        ),
    ),
)

FLEET_DASHBOARD: Final = Dashboard(
    "interject-fleet",
    "Interject / Fleet",
    "Every agent at a glance, and the operator that looks after them.",
    (Variable("namespace", "Namespace", "interject_pod_info"),),
    (_NOW, _AGENTS, _OPERATOR),
)
