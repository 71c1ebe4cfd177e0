"""Asterisk, by what its module res_prometheus tells."""

from typing import Final

from observability.model import Dashboard, Kind, Panel, Query, Row, Unit, Variable
from observability.promql import POD, RATE

_NOW: Final = Row(
    "Calls",
    (
        Panel(
            "Calls now",
            "How many calls does Asterisk carry now?",
            Unit.COUNT,
            (Query(f"sum(asterisk_calls_count{POD})", ""),),
            Kind.STAT,
            width=6,
        ),
        Panel(
            "Phones and trunks",
            "How many of them are reachable now?",
            Unit.COUNT,
            (
                Query(f"sum(asterisk_endpoints_state{POD} == bool 2)", "reachable"),
                Query(f"sum(asterisk_endpoints_count{POD})", "configured"),
            ),
            Kind.STAT,
            width=6,
        ),
        Panel(
            "Up for",
            "Did Asterisk restart?",
            Unit.SECONDS,
            (Query(f"min(asterisk_core_uptime_seconds{POD})", ""),),
            Kind.STAT,
            width=6,
        ),
        Panel(
            "Version",
            "Which Asterisk is it?",
            Unit.VERSION,
            (Query(f"max by (pod, version) (asterisk_core_properties{POD})", "{{version}}"),),
            Kind.STAT,
            width=6,
        ),
        Panel(
            "Calls and channels",
            "How busy is each Asterisk? A call to an agent has two channels at most.",
            Unit.COUNT,
            (
                Query(f"sum by (pod) (asterisk_calls_count{POD})", "calls on {{pod}}"),
                Query(f"sum by (pod) (asterisk_channels_count{POD})", "channels of {{pod}}"),
            ),
        ),
        Panel(
            "Calls processed",
            "How many calls come in?",
            Unit.PER_MINUTE,
            (Query(f"60 * sum by (pod) (rate(asterisk_calls_sum{POD}{RATE}))", "{{pod}}"),),
        ),
        Panel(
            "Channels, by phone or trunk",
            "Who calls?",
            Unit.COUNT,
            (Query(f"sum by (resource) (asterisk_endpoints_channels_count{POD})", "{{resource}}"),),
            Kind.STACK,
        ),
        Panel(
            "State, by phone or trunk",
            "Which phones and trunks are reachable? 2: yes; 1: no; 0: not known.",
            Unit.COUNT,
            (Query(f"max by (resource) (asterisk_endpoints_state{POD})", "{{resource}}"),),
            most=2,
        ),
    ),
)

ASTERISK_DASHBOARD: Final = Dashboard(
    "interject-asterisk",
    "Interject / Asterisk",
    "The telephone side: calls, channels, phones and trunks of Asterisk.",
    (
        Variable("namespace", "Namespace", "asterisk_core_uptime_seconds"),
        Variable("pod", "Pod", 'asterisk_core_uptime_seconds{namespace=~"$namespace"}'),
    ),
    (_NOW,),
)
