"""One media pod: where its 20 ms go, whether it keeps pace, and what it uses."""

from typing import Final

from observability.model import Dashboard, Kind, Panel, Query, Row, Unit, Variable
from observability.promql import POD, quantiles, rate

_TICK_RATES: Final = f"sum by (le) ({rate('interject_tick_duration_seconds_bucket', POD)})"
_LATENESS_RATES: Final = f"sum by (le) ({rate('interject_tick_lateness_seconds_bucket', POD)})"
_STAGE: Final = f"sum by (stage) ({rate('interject_tick_stage_seconds_sum', POD)})"
_STAGE_TICKS: Final = f"sum by (stage) ({rate('interject_tick_stage_seconds_count', POD)})"
_LIMITS: Final = ((0.0, "green"), (0.014, "orange"), (0.02, "red"))

_TICK: Final = Row(
    "The tick",
    (
        Panel(
            "Tick duration",
            "How much of its 20 ms does a tick use? Whatever is over makes the next one late.",
            Unit.SECONDS,
            quantiles(_TICK_RATES),
            limits=_LIMITS,
        ),
        Panel(
            "Tick duration, all of it",
            "Are there ticks that the median hides?",
            Unit.SECONDS,
            (Query(_TICK_RATES, "{{le}}"),),
            Kind.HEATMAP,
        ),
        Panel(
            "Stages",
            "Where does the tick's time go: writing, gathering, the bank's step, or the calls?",
            Unit.SECONDS,
            (Query(f"{_STAGE} / {_STAGE_TICKS}", "{{stage}}"),),
            Kind.STACK,
        ),
        Panel(
            "Pacing",
            "How late does a tick begin? Above 20 ms callers hear it.",
            Unit.SECONDS,
            quantiles(_LATENESS_RATES),
            limits=_LIMITS,
        ),
        Panel(
            "Ticks skipped",
            "How many ticks of 50 a second were skipped? In each all calls lack 20 ms of speech.",
            Unit.PER_SECOND,
            (Query(f"sum by (pod) ({rate('interject_late_ticks_total', POD)})", "{{pod}}"),),
        ),
        Panel(
            "Changes of the bank's decision",
            "What does the bank make of the callers?",
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
            "Which agent and version does the pod serve?",
            Unit.VERSION,
            (
                Query(
                    f"max by (pod, agent, version) (interject_pod_info{POD})",
                    "{{agent}} {{version}}",
                ),
            ),
            Kind.STAT,
            width=8,
        ),
        Panel(
            "Calls",
            "How many calls share the pod's tick, and how many could?",
            Unit.COUNT,
            (
                Query(f"sum(interject_active_calls{POD})", "calls"),
                Query(f"sum(interject_capacity_calls{POD})", "slots"),
            ),
            Kind.STAT,
            width=8,
        ),
        Panel(
            "Draining",
            "Which part of its time to drain is over? 0: the pod serves.",
            Unit.SHARE,
            (
                Query(
                    f"max(interject_draining_seconds{POD} / "
                    f"(interject_drain_timeout_seconds{POD} > 0))",
                    "",
                ),
            ),
            Kind.STAT,
            width=8,
            limits=((0, "green"), (0.8, "orange"), (1, "red")),
        ),
    ),
)

_USES: Final = Row(
    "What it uses",
    (
        Panel(
            "Calls and slots",
            "How did the pod's calls change?",
            Unit.COUNT,
            (
                Query(f"sum by (pod) (interject_active_calls{POD})", "calls on {{pod}}"),
                Query(f"sum by (pod) (interject_capacity_calls{POD})", "slots of {{pod}}"),
            ),
        ),
        Panel(
            "Memory",
            "Does the pod's memory grow?",
            Unit.BYTES,
            (Query(f"sum by (pod) (process_resident_memory_bytes{POD})", "{{pod}}"),),
        ),
        Panel(
            "Processor",
            "How many cores does the pod use? A tick runs on one.",
            Unit.CORES,
            (Query(f"sum by (pod) ({rate('process_cpu_seconds_total', POD)})", "{{pod}}"),),
        ),
        Panel(
            "Open files",
            "Are sockets given back?",
            Unit.COUNT,
            (Query(f"sum by (pod) (process_open_fds{POD})", "{{pod}}"),),
        ),
    ),
)

POD_DASHBOARD: Final = Dashboard(
    "interject-pod",
    "Interject / Pod",
    "One media pod: where its 20 ms go, whether it keeps pace, and what it uses.",
    (
        Variable("namespace", "Namespace", "interject_pod_info"),
        Variable("agent", "Agent", 'interject_pod_info{namespace=~"$namespace"}'),
        Variable(
            "pod",
            "Pod",
            'interject_pod_info{namespace=~"$namespace", agent=~"$agent"}',
            several=False,
        ),
    ),
    (_NOW, _TICK, _USES),
)
