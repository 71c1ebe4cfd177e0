"""One agent: who calls it, how it talks, and whether it stops when it should."""

from typing import Final

from observability.model import Dashboard, Kind, Panel, Query, Row, Unit, Variable
from observability.promql import AGENT, buckets, by_agent, quantiles, rate, share

_STOPS: Final = by_agent(rate("interject_stops_total"))
_SUSPECTED: Final = by_agent(rate("interject_suspected_false_stops_total"))
_FIRST_CHUNKS: Final = by_agent(rate("interject_provider_first_chunk_seconds_bucket"))
_FREE: Final = (
    "(interject_capacity_calls - interject_active_calls) and (interject_draining_seconds == 0)"
)

_CALLS: Final = Row(
    "Calls",
    (
        Panel(
            "Calls now",
            "How many callers does the agent talk to now?",
            Unit.COUNT,
            (Query(f"sum({by_agent('interject_active_calls')})", ""),),
            Kind.STAT,
            width=8,
        ),
        Panel(
            "Free slots",
            "How many more calls would be taken? Slots of pods that drain do not count.",
            Unit.COUNT,
            (Query(f"sum({by_agent(_FREE)})", ""),),
            Kind.STAT,
            width=8,
            limits=((0, "red"), (1, "green")),
        ),
        Panel(
            "Pods",
            "How many pods does the agent have?",
            Unit.COUNT,
            (Query(f"count(interject_pod_info{AGENT})", ""),),
            Kind.STAT,
            width=8,
        ),
        Panel(
            "Calls and capacity",
            "Does capacity follow the calls?",
            Unit.COUNT,
            (
                Query(f"sum({by_agent('interject_active_calls')})", "calls"),
                Query(f"sum({by_agent('interject_capacity_calls')})", "capacity"),
            ),
            width=8,
        ),
        Panel(
            "Calls that ended, by whom",
            "Who ends the calls: callers, the bot, errors, or pods that had to go?",
            Unit.PER_MINUTE,
            (
                Query(
                    f"60 * sum by (ended) ({by_agent(rate('interject_calls_total'))})", "{{ended}}"
                ),
            ),
            Kind.STACK,
            width=8,
        ),
        Panel(
            "Turns of callers",
            "Do callers speak, use keys, or say nothing that is understood?",
            Unit.PER_MINUTE,
            (
                Query(
                    f"60 * sum by (made_of) ({by_agent(rate('interject_turns_total'))})",
                    "{{made_of}}",
                ),
            ),
            Kind.STACK,
            width=8,
        ),
    ),
)

_STOPPING: Final = Row(
    "Interruptions",
    (
        Panel(
            "Onset to silence",
            "How long does the bot go on once the caller speaks? A fifth of a second is promised.",
            Unit.SECONDS,
            quantiles(buckets("interject_barge_in_stop_seconds"), exemplars=True),
            limits=((0, "green"), (0.2, "orange"), (0.4, "red")),
        ),
        Panel(
            "Onset to silence, all of it",
            "Is there a group of slow stops that the median hides?",
            Unit.SECONDS,
            (Query(buckets("interject_barge_in_stop_seconds"), "{{le}}", exemplars=True),),
            Kind.HEATMAP,
        ),
        Panel(
            "Stops, by reason",
            "Why does the bot stop?",
            Unit.PER_MINUTE,
            (Query(f"60 * sum by (reason) ({_STOPS})", "{{reason}}"),),
            Kind.STACK,
        ),
        Panel(
            "Suspected false stops",
            "After which share of stops was no word recognized, by what was known of the echo?",
            Unit.SHARE,
            (
                Query(
                    share(f"sum by (echo) ({_SUSPECTED})", f"sum by (echo) ({_STOPS})"),
                    "echo {{echo}}",
                ),
            ),
            most=1,
        ),
    ),
)

_ECHO: Final = Row(
    "Echo",
    (
        Panel(
            "Echo delay",
            "How late is the echo on the lines of the callers?",
            Unit.SECONDS,
            (Query(buckets("interject_echo_delay_seconds"), "{{le}}"),),
            Kind.HEATMAP,
        ),
        Panel(
            "Echo return loss enhancement",
            "How much of the echo is taken out? Below 6 dB hardly any; above 30 dB it is done.",
            Unit.DECIBEL,
            (Query(buckets("interject_erle_db"), "{{le}}"),),
            Kind.HEATMAP,
        ),
    ),
)

_PROVIDERS: Final = Row(
    "Providers",
    (
        Panel(
            "Time to the first result",
            "Which provider keeps callers waiting? Nine of ten requests were answered within this.",
            Unit.SECONDS,
            (
                Query(
                    f"histogram_quantile(0.9, sum by (le, kind, provider) ({_FIRST_CHUNKS}))",
                    "{{kind}} {{provider}}",
                    exemplars=True,
                ),
            ),
        ),
        Panel(
            "Requests that failed",
            "Which share of the requests to a provider fails or is not answered in time?",
            Unit.SHARE,
            (
                Query(
                    share(
                        "sum by (kind, provider) "
                        f"({by_agent(rate('interject_provider_errors_total'))})",
                        "sum by (kind, provider) "
                        f"({by_agent(rate('interject_provider_requests_total'))})",
                    ),
                    "{{kind}} {{provider}}",
                ),
            ),
            most=1,
        ),
    ),
)

AGENT_DASHBOARD: Final = Dashboard(
    "interject-agent",
    "Interject / Agent",
    "One agent: its calls and its room, how callers interrupt it, and what its providers take.",
    (
        Variable("namespace", "Namespace", "interject_pod_info"),
        Variable("agent", "Agent", 'interject_pod_info{namespace=~"$namespace"}', several=False),
    ),
    (_CALLS, _STOPPING, _ECHO, _PROVIDERS),
)
