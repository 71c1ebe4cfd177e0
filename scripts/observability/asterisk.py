"""Dashboard of Asterisk, from the metrics of its module res_prometheus."""

from typing import Final

from observability.model import Dashboard, Panel, PanelKind, Query, Row, Unit, Variable
from observability.promql import ALL_CLUSTERS, CLUSTER, NAMESPACE, POD, RATE

_NOW: Final = Row(
    "Calls",
    (
        Panel(
            "Active calls",
            "How many calls does Asterisk have now?",
            Unit.COUNT,
            (Query(f"sum(asterisk_calls_count{POD})", ""),),
            PanelKind.STAT,
            width=6,
        ),
        Panel(
            "Phones and trunks",
            "How many phones and trunks are reachable now?",
            Unit.COUNT,
            (
                Query(f"sum(asterisk_endpoints_state{POD} == bool 2)", "reachable"),
                Query(f"sum(asterisk_endpoints_count{POD})", "configured"),
            ),
            PanelKind.STAT,
            width=6,
        ),
        Panel(
            "Uptime",
            "Did Asterisk restart?",
            Unit.SECONDS,
            (Query(f"min(asterisk_core_uptime_seconds{POD})", ""),),
            PanelKind.STAT,
            width=6,
        ),
        Panel(
            "Version",
            "Which version of Asterisk is running?",
            Unit.VERSION,
            (Query(f"max by (pod, version) (asterisk_core_properties{POD})", "{{version}}"),),
            PanelKind.STAT,
            width=6,
        ),
        Panel(
            "Calls and channels",
            "What is the load of each Asterisk? A call to an agent has at most two channels.",
            Unit.COUNT,
            (
                Query(f"sum by (pod) (asterisk_calls_count{POD})", "calls on {{pod}}"),
                Query(f"sum by (pod) (asterisk_channels_count{POD})", "channels of {{pod}}"),
            ),
        ),
        Panel(
            "Calls processed",
            "What is the rate of new calls?",
            Unit.PER_MINUTE,
            (Query(f"60 * sum by (pod) (rate(asterisk_calls_sum{POD}{RATE}))", "{{pod}}"),),
        ),
        Panel(
            "Channels, by phone or trunk",
            "Which phones and trunks have calls?",
            Unit.COUNT,
            (Query(f"sum by (resource) (asterisk_endpoints_channels_count{POD})", "{{resource}}"),),
            PanelKind.STACK,
        ),
        Panel(
            "State, by phone or trunk",
            "Which phones and trunks are reachable? 2: yes; 1: no; 0: unknown.",
            Unit.COUNT,
            (Query(f"max by (resource) (asterisk_endpoints_state{POD})", "{{resource}}"),),
            axis_max=2,
        ),
    ),
)

ASTERISK_DASHBOARD: Final = Dashboard(
    "interject-asterisk",
    "Interject / Asterisk",
    "Telephony: calls, channels, phones and trunks of Asterisk.",
    (
        ALL_CLUSTERS,
        Variable("namespace", "Namespace", f"asterisk_core_uptime_seconds{CLUSTER}"),
        Variable("pod", "Pod", f"asterisk_core_uptime_seconds{NAMESPACE}"),
    ),
    (_NOW,),
)
