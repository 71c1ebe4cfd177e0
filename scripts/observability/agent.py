"""Dashboard of one agent: calls, interruptions, echo, providers."""

from typing import Final

from observability.model import Dashboard, Panel, PanelKind, Query, Row, Unit, Variable
from observability.promql import (
    AGENT,
    ALL_CLUSTERS,
    CLUSTER,
    NAMESPACE,
    buckets,
    by_agent,
    quantiles,
    rate,
    share,
)

_STOPS: Final = by_agent(rate("interject_stops_total"))
_DUCKS: Final = by_agent(rate("interject_ducks_total"))
_SUSPECTED: Final = by_agent(rate("interject_suspected_false_stops_total"))
_FIRST_CHUNKS: Final = by_agent(rate("interject_provider_first_chunk_seconds_bucket"))
_FREE: Final = (
    "(interject_capacity_calls - interject_active_calls) and (interject_draining_seconds == 0)"
)

_CALLS: Final = Row(
    "Calls",
    (
        Panel(
            "Active calls",
            "How many calls does the agent have now?",
            Unit.COUNT,
            (Query(f"sum({by_agent('interject_active_calls')})", ""),),
            PanelKind.STAT,
            width=8,
        ),
        Panel(
            "Free slots",
            "How many more calls can the agent accept? Slots of draining pods do not count.",
            Unit.COUNT,
            (Query(f"sum({by_agent(_FREE)})", ""),),
            PanelKind.STAT,
            width=8,
            thresholds=((0, "red"), (1, "green")),
        ),
        Panel(
            "Pods",
            "How many pods does the agent have?",
            Unit.COUNT,
            (Query(f"count(interject_pod_info{AGENT})", ""),),
            PanelKind.STAT,
            width=8,
        ),
        Panel(
            "Calls and capacity",
            "Does the capacity follow the number of calls?",
            Unit.COUNT,
            (
                Query(f"sum({by_agent('interject_active_calls')})", "calls"),
                Query(f"sum({by_agent('interject_capacity_calls')})", "capacity"),
            ),
            width=8,
        ),
        Panel(
            "Ended calls, by cause",
            "What ends the calls: the caller, the bot, an error, or a pod that shuts down?",
            Unit.PER_MINUTE,
            (
                Query(
                    f"60 * sum by (ended) ({by_agent(rate('interject_calls_total'))})", "{{ended}}"
                ),
            ),
            PanelKind.STACK,
            width=8,
        ),
        Panel(
            "Caller turns, by input",
            "Do callers speak, use DTMF keys, or is nothing recognized?",
            Unit.PER_MINUTE,
            (
                Query(
                    f"60 * sum by (made_of) ({by_agent(rate('interject_turns_total'))})",
                    "{{made_of}}",
                ),
            ),
            PanelKind.STACK,
            width=8,
        ),
    ),
)

_STOPPING: Final = Row(
    "Interruptions",
    (
        Panel(
            "Onset to silence",
            "How long does the bot continue after the caller starts to speak? Target: 200 ms.",
            Unit.SECONDS,
            quantiles(buckets("interject_barge_in_stop_seconds"), exemplars=True),
            thresholds=((0, "green"), (0.2, "orange"), (0.4, "red")),
        ),
        Panel(
            "Onset to silence, distribution",
            "Is there a group of slow stops that the median hides?",
            Unit.SECONDS,
            (Query(buckets("interject_barge_in_stop_seconds"), "{{le}}", exemplars=True),),
            PanelKind.HEATMAP,
        ),
        Panel(
            "Stops, by reason",
            "Why does the bot stop?",
            Unit.PER_MINUTE,
            (Query(f"60 * sum by (reason) ({_STOPS})", "{{reason}}"),),
            PanelKind.STACK,
            width=8,
        ),
        Panel(
            "Ducks, by outcome",
            "How often does the bot only lower its voice, and how often does a stop follow?",
            Unit.PER_MINUTE,
            (Query(f"60 * sum by (outcome) ({_DUCKS})", "{{outcome}}"),),
            PanelKind.STACK,
            width=8,
        ),
        Panel(
            "Suspected false stops",
            "What share of stops was followed by no recognized words, by state of the echo delay?",
            Unit.SHARE,
            (
                Query(
                    share(f"sum by (echo) ({_SUSPECTED})", f"sum by (echo) ({_STOPS})"),
                    "echo {{echo}}",
                ),
            ),
            width=8,
            axis_max=1,
        ),
    ),
)

_ECHO: Final = Row(
    "Echo",
    (
        Panel(
            "Echo delay",
            "What is the echo delay on the callers' lines?",
            Unit.SECONDS,
            (Query(buckets("interject_echo_delay_seconds"), "{{le}}"),),
            PanelKind.HEATMAP,
        ),
        Panel(
            "Echo return loss enhancement",
            "How much echo is cancelled? Below 6 dB: hardly any; above 30 dB: practically all.",
            Unit.DECIBEL,
            (Query(buckets("interject_erle_db"), "{{le}}"),),
            PanelKind.HEATMAP,
        ),
    ),
)

_PROVIDERS: Final = Row(
    "Providers",
    (
        Panel(
            "Time to first result (p90)",
            "Which provider makes callers wait? 90 % of requests had a result within this time.",
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
            "Failed requests",
            "What share of the requests to a provider fails or times out?",
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
            axis_max=1,
        ),
        Panel(
            "Tokens per minute",
            "What do the language models cost?",
            Unit.COUNT,
            (
                Query(
                    f"60 * sum by (kind, model) ({by_agent(rate('interject_llm_tokens_total'))})",
                    "{{kind}} {{model}}",
                ),
            ),
        ),
    ),
)

AGENT_DASHBOARD: Final = Dashboard(
    "interject-agent",
    "Interject / Agent",
    "One agent: calls and capacity, interruptions, echo, and latency of its providers.",
    (
        ALL_CLUSTERS,
        Variable("namespace", "Namespace", f"interject_pod_info{CLUSTER}"),
        Variable("agent", "Agent", f"interject_pod_info{NAMESPACE}", multi=False),
    ),
    (_CALLS, _STOPPING, _ECHO, _PROVIDERS),
)
