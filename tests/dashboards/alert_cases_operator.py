"""Scenarios of what the operator and Asterisk report; and what an intended uninstall looks like."""

from alert_cases import ASTERISK, OPERATOR, POD, Case, pod, series, up

from observability.alerts import ALERTS

DESK = {"agent_namespace": "voice", "agent": "desk"}
TRUNK = {"username": "sip:me@sip.example.com", "domain": "sip:sip.example.com:5060"}
V1BETA1 = {"api_service": "v1beta1.custom.metrics.k8s.io"}
API_SERVER = {"namespace": "default", "pod": "apiserver", "name": "v1beta1.custom.metrics.k8s.io"}


def agent_pods(wanted: str, ready: str, most: str = "") -> list[dict[str, str]]:
    """What the operator reports of the agent desk."""
    states = {"wanted": wanted, "ready": ready} | ({"most": most} if most else {})
    return [
        series("interject_operator_agent_pods", values, OPERATOR | DESK | {"state": state})
        for state, values in states.items()
    ]


def trunk(values: str) -> dict[str, str]:
    """The registration of a trunk: 0 unregistered, 1 registered, 2 rejected."""
    return series("asterisk_pjsip_outbound_registration_status", values, ASTERISK | TRUNK)


def available(values: str) -> dict[str, str]:
    """What the operator reads of its APIService."""
    return series("interject_operator_api_service_available", values, OPERATOR | V1BETA1)


def in_cluster(cluster: str, found: list[dict[str, str]]) -> list[dict[str, str]]:
    """These series, with the label `cluster`."""
    return [
        each | {"series": each["series"].replace("{", f'{{cluster="{cluster}", ', 1)}
        for each in found
    ]


UNINSTALLED = [
    *pod(**dict.fromkeys(("active_calls", "capacity_calls", "info"), "1x9 stale")),
    *agent_pods("3x9 stale", "2x9 stale", "3x9 stale"),
    trunk("1x9 stale"),
    available("1x8 0 stale"),
    series("interject_operator_agents", "1x9 stale", OPERATOR),
    series("interject_operator_leader", "1x9 stale", OPERATOR),
    series("asterisk_core_uptime_seconds", "0+30x9 stale", ASTERISK),
    *(up(target, "1x8 0 stale") for target in (ASTERISK, OPERATOR, POD)),
]
"""All of it goes within a minute, and its rules stay: those of another release, or of a ruler. A
scraper marks the series of a target that is gone as stale."""

CASES = [
    Case(
        "InterjectAgentNotReady",
        "no pod becomes ready",
        agent_pods("2x40", "2x9 0x30"),
        "12m",
        [DESK],
    ),
    Case("InterjectAgentNotReady", "one of two is", agent_pods("2x40", "1x40"), "12m"),
    Case("InterjectAgentNotReady", "it is scaled to zero", agent_pods("0x40", "0x40"), "12m"),
    Case("InterjectAgentNotReady", "it starts", agent_pods("1x40", "0x6 1x40"), "12m"),
    Case(
        "InterjectAgentNotReady",
        "it was deleted while it was not ready",
        agent_pods("2x9 _x40", "0x9 _x40"),
        "12m",
    ),
    Case(
        "InterjectAgentAtMaximum",
        "it has as many pods as it may",
        agent_pods("4x60", "4x60", "4x60"),
        "20m",
        [DESK],
    ),
    Case(
        "InterjectAgentAtMaximum", "one more is possible", agent_pods("3x60", "3x60", "4x60"), "20m"
    ),
    Case("InterjectAgentAtMaximum", "it has no autoscaler", agent_pods("4x60", "4x60"), "20m"),
    Case(
        "InterjectAgentAtMaximum",
        "it was for some minutes",
        agent_pods("4x20 3x40", "4x60", "4x60"),
        "20m",
    ),
    *(
        Case(
            "InterjectTrunkNotRegistered",
            story,
            [trunk(values)],
            "12m",
            [ASTERISK | {"domain": TRUNK["domain"]}],
        )
        for story, values in (
            ("the provider rejects it", "1x9 2x30"),
            ("it does not answer", "0x40"),
        )
    ),
    Case("InterjectTrunkNotRegistered", "it is registered", [trunk("1x40")], "12m"),
    Case("InterjectTrunkNotRegistered", "it registers again", [trunk("1x9 0x4 1x30")], "12m"),
    Case("InterjectTrunkNotRegistered", "it was removed", [trunk("0x9 _x40")], "12m"),
    Case(
        "InterjectMetricsApiUnavailable",
        "the operator sees it",
        [available("1x9 0x30")],
        "12m",
        [V1BETA1],
    ),
    Case(
        "InterjectMetricsApiUnavailable",
        "only the API server sees it",
        [series("aggregator_unavailable_apiservice", "0x9 1x30", API_SERVER)],
        "12m",
        [V1BETA1],
    ),
    Case("InterjectMetricsApiUnavailable", "it is available", [available("1x40")], "12m"),
    Case(
        "InterjectMetricsApiUnavailable",
        "that of others is not",
        [
            series(
                *("aggregator_unavailable_apiservice", "1x40"),
                API_SERVER | {"name": "v1beta1.metrics.k8s.io"},
            )
        ],
        "12m",
    ),
    Case("InterjectOperatorAbsent", "nothing of it is there", [up(POD, "1x40")], "20m"),
    Case(
        "InterjectOperatorAbsent",
        "that of one of two clusters is",
        [
            series("interject_pod_info", "1x40", POD | {"agent": "desk", "cluster": "east"}),
            series("interject_pod_info", "1x40", POD | {"agent": "desk", "cluster": "west"}),
            series("interject_operator_leader", "1x40", OPERATOR | {"cluster": "west"}),
        ],
        "20m",
        [{"cluster": "east"}],
    ),
    Case(
        "InterjectNoCapacity",
        "pods of two clusters have the same names",
        [
            {
                "series": each["series"].replace("{", f'{{cluster="{cluster}", '),
                "values": each["values"],
            }
            for cluster, calls in (("east", "2x200"), ("west", "1x200"))
            for each in pod(active_calls=calls)
        ],
        "8m",
        [{"cluster": "east", "namespace": "voice", "agent": "desk"}],
    ),
    *(
        Case(alert.name, "everything was uninstalled on purpose", UNINSTALLED, at)
        for alert in ALERTS
        for at in ("6m", "12m", "30m")
    ),
]
