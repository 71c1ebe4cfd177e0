"""Dashboard of one media pod: tick duration, pacing, resources."""

from typing import Final

from observability.model import Dashboard, Panel, PanelKind, Query, Row, Unit, Variable
from observability.promql import AGENT, ALL_CLUSTERS, CLUSTER, NAMESPACE, POD, quantiles, rate

_TICK_RATES: Final = f"sum by (le) ({rate('interject_tick_duration_seconds_bucket', POD)})"
_LATENESS_RATES: Final = f"sum by (le) ({rate('interject_tick_lateness_seconds_bucket', POD)})"
_STAGE: Final = f"sum by (stage) ({rate('interject_tick_stage_seconds_sum', POD)})"
_STAGE_TICKS: Final = f"sum by (stage) ({rate('interject_tick_stage_seconds_count', POD)})"
_LIMITS: Final = ((0.0, "green"), (0.014, "orange"), (0.02, "red"))

_TICK: Final = Row(
    "Tick",
    (
        Panel(
            "Tick duration",
            "How long does a tick take? Above its budget of 20 ms, the next tick is late.",
            Unit.SECONDS,
            quantiles(_TICK_RATES),
            thresholds=_LIMITS,
        ),
        Panel(
            "Tick duration, distribution",
            "Are there slow ticks that the median hides?",
            Unit.SECONDS,
            (Query(_TICK_RATES, "{{le}}"),),
            PanelKind.HEATMAP,
        ),
        Panel(
            "Tick stages",
            "Which stage takes the time: write, gather, step of the bank, or dispatch to calls?",
            Unit.SECONDS,
            (Query(f"{_STAGE} / {_STAGE_TICKS}", "{{stage}}"),),
            PanelKind.STACK,
        ),
        Panel(
            "Pacing",
            "How late does a tick start? Above 20 ms, callers hear a gap.",
            Unit.SECONDS,
            quantiles(_LATENESS_RATES),
            thresholds=_LIMITS,
        ),
        Panel(
            "Skipped ticks",
            "How many of 50 ticks per second are skipped? Each is a gap of 20 ms in all calls.",
            Unit.PER_SECOND,
            (Query(f"sum by (pod) ({rate('interject_late_ticks_total', POD)})", "{{pod}}"),),
        ),
        Panel(
            "Decision changes of the detector bank",
            "What does the barge-in detection decide, and why?",
            Unit.PER_MINUTE,
            (
                Query(
                    f"60 * sum by (decision, reason) ({rate('interject_decisions_total', POD)})",
                    "{{decision}}: {{reason}}",
                ),
            ),
        ),
    ),
)

_NOW: Final = Row(
    "Now",
    (
        Panel(
            "Version",
            "Which agent and version does the pod run?",
            Unit.VERSION,
            (
                Query(
                    f"max by (pod, agent, version) (interject_pod_info{POD})",
                    "{{agent}} {{version}}",
                ),
            ),
            PanelKind.STAT,
            width=8,
        ),
        Panel(
            "Calls",
            "How many calls does the pod have, and how many call slots?",
            Unit.COUNT,
            (
                Query(f"sum(interject_active_calls{POD})", "calls"),
                Query(f"sum(interject_capacity_calls{POD})", "slots"),
            ),
            PanelKind.STAT,
            width=8,
        ),
        Panel(
            "Draining",
            "How much of the drain timeout has passed? 0: the pod accepts calls.",
            Unit.SHARE,
            (
                Query(
                    f"max(interject_draining_seconds{POD} / "
                    f"(interject_drain_timeout_seconds{POD} > 0))",
                    "",
                ),
            ),
            PanelKind.STAT,
            width=8,
            thresholds=((0, "green"), (0.8, "orange"), (1, "red")),
        ),
    ),
)

_USES: Final = Row(
    "Resources",
    (
        Panel(
            "Calls and slots",
            "How does the number of calls change over time?",
            Unit.COUNT,
            (
                Query(f"sum by (pod) (interject_active_calls{POD})", "calls on {{pod}}"),
                Query(f"sum by (pod) (interject_capacity_calls{POD})", "slots of {{pod}}"),
            ),
        ),
        Panel(
            "Memory",
            "Does the memory usage of the pod grow?",
            Unit.BYTES,
            (Query(f"sum by (pod) (process_resident_memory_bytes{POD})", "{{pod}}"),),
        ),
        Panel(
            "CPU",
            "How many cores does the pod use? A tick runs on a single core.",
            Unit.CORES,
            (Query(f"sum by (pod) ({rate('process_cpu_seconds_total', POD)})", "{{pod}}"),),
        ),
        Panel(
            "Open files",
            "Does the pod leak sockets?",
            Unit.COUNT,
            (Query(f"sum by (pod) (process_open_fds{POD})", "{{pod}}"),),
        ),
    ),
)

POD_DASHBOARD: Final = Dashboard(
    "interject-pod",
    "Interject / Pod",
    "One media pod: tick duration, pacing, and resources.",
    (
        ALL_CLUSTERS,
        Variable("namespace", "Namespace", f"interject_pod_info{CLUSTER}"),
        Variable("agent", "Agent", f"interject_pod_info{NAMESPACE}"),
        Variable(
            "pod",
            "Pod",
            f"interject_pod_info{AGENT}",
            multi=False,
        ),
    ),
    (_NOW, _TICK, _USES),
)
