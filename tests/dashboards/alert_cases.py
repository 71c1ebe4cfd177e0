"""Scenarios in a cluster and the alerts that fire: input of promtool's rule tests.

Values are in promtool's notation: `0+1x20` counts up by one for 20 intervals, `_` is no sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

INTERVAL_S = 30
DESK = {"namespace": "voice", "agent": "desk"}
POD = {"namespace": "voice", "pod": "desk-1"}
LOCKED = {"reason": "speech_over_echo", "echo": "locked"}
TTS = {"kind": "tts", "provider": "espeak"}
TOOL = {"kind": "tool", "provider": "find_parcel"}
ASTERISK = {"namespace": "voice", "pod": "asterisk-0"}


def series(name: str, values: str, labels: Mapping[str, str]) -> dict[str, str]:
    """One input series."""
    inside = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{inside}}}", "values": values}


def pod(name: str = "desk-1", **values: str) -> list[dict[str, str]]:
    """A media pod of the agent desk; `values` by the names of its metrics without `interject_`."""
    labels = {"namespace": "voice", "pod": name}
    usual = {
        "active_calls": "1x200",
        "capacity_calls": "2x200",
        "draining_seconds": "0x200",
        "drain_timeout_seconds": "900x200",
        "late_ticks_total": "0x200",
    }
    info = series("interject_pod_info", values.pop("info", "1x200"), labels | {"agent": "desk"})
    metrics = [
        series(f"interject_{metric}", text, labels) for metric, text in (usual | values).items()
    ]
    return [info, *metrics]


def of_pod(name: str, values: str, labels: Mapping[str, str]) -> dict[str, str]:
    """A series of the pod desk-1."""
    return series(name, values, POD | dict(labels))


@dataclass(frozen=True)
class Case:
    """A scenario."""

    alert: str
    story: str
    input: list[dict[str, str]]
    at: str
    fires: list[dict[str, str]] = field(default_factory=list)
    """Labels of the firing alerts; empty if none fires."""

    @property
    def test(self) -> dict[str, Any]:
        """The test in promtool's format."""
        found = [{"labels": str_labels(self.alert, labels), "value": 1} for labels in self.fires]
        firing = f'ALERTS{{alertname="{self.alert}", alertstate="firing"}}'
        query = f"sum by ({', '.join(LABELS)}) ({firing})"
        return {
            "name": f"{self.alert}: {self.story}",
            "interval": f"{INTERVAL_S}s",
            "input_series": self.input,
            "promql_expr_test": [{"expr": query, "eval_time": self.at, "exp_samples": found}],
        }


LABELS = (
    *("alertname", "cluster", "namespace", "agent_namespace", "agent", "pod"),
    *("kind", "provider", "echo", "domain", "api_service"),
)


def str_labels(alert: str, labels: Mapping[str, str]) -> str:
    """Labels of a sample in promtool's notation."""
    pairs = {"alertname": alert} | dict(labels)
    return "{" + ", ".join(f'{key}="{value}"' for key, value in pairs.items()) + "}"


OPERATOR = {"namespace": "interject", "pod": "operator-1"}
SECOND = {"namespace": "interject", "pod": "operator-2"}


def up(labels: Mapping[str, str], values: str) -> dict[str, str]:
    """The series `up` of a target."""
    return series("up", values, {"job": "pods", **labels})


CASES = [
    Case(
        "InterjectNoCapacity",
        "every slot is taken",
        [*pod(active_calls="1x9 2x20"), *pod("desk-2", active_calls="2x40")],
        "8m",
        [DESK],
    ),
    Case(
        "InterjectNoCapacity",
        "one slot is free",
        [*pod(), *pod("desk-2", active_calls="2x40")],
        "8m",
    ),
    Case(
        "InterjectNoCapacity",
        "the only pod with a free slot drains",
        pod(draining_seconds="0+30x40"),
        "5m",
        [DESK],
    ),
    Case("InterjectNoCapacity", "it is full for a moment", pod(active_calls="1x9 2 1x20"), "5m30s"),
    Case(
        "InterjectPodCannotDrain",
        "four fifths of its time are over, and calls are left",
        pod(draining_seconds="0+30x40"),
        "13m",
        [POD],
    ),
    Case("InterjectPodCannotDrain", "it has time", pod(draining_seconds="0+30x40"), "10m"),
    Case(
        "InterjectPodCannotDrain",
        "no call is left",
        pod(draining_seconds="0+30x40", active_calls="0x40"),
        "13m",
    ),
    Case(
        "InterjectPodCannotDrain",
        "it is still there long after its time",
        pod(draining_seconds="0+30x40", active_calls="0x40"),
        "17m",
        [POD],
    ),
    Case("InterjectPodCannotDrain", "it serves", pod(), "13m"),
    Case(
        "InterjectFalseStopsSuspected",
        "half of the stops are followed by nothing",
        [
            *pod(),
            of_pod("interject_stops_total", "0+1x120", LOCKED),
            of_pod("interject_suspected_false_stops_total", "0+0.5x120", LOCKED),
        ],
        "45m",
        [DESK | {"echo": "locked"}],
    ),
    Case(
        "InterjectFalseStopsSuspected",
        "one of ten is",
        [
            *pod(),
            of_pod("interject_stops_total", "0+10x120", LOCKED),
            of_pod("interject_suspected_false_stops_total", "0+1x120", LOCKED),
        ],
        "45m",
    ),
    Case(
        "InterjectFalseStopsSuspected",
        "all of them are, but they are few",
        [
            *pod(),
            of_pod("interject_stops_total", "0x100 1x20", LOCKED),
            of_pod("interject_suspected_false_stops_total", "0x100 1x20", LOCKED),
        ],
        "58m",
    ),
    Case(
        "InterjectProviderFailing",
        "the voice fails every fifth time",
        [
            *pod(),
            of_pod("interject_provider_requests_total", "0+10x40", TTS),
            of_pod("interject_provider_errors_total", "0+2x40", TTS),
        ],
        "10m",
        [DESK | TTS],
    ),
    Case(
        "InterjectProviderFailing",
        "it fails once in a while",
        [
            *pod(),
            of_pod("interject_provider_requests_total", "0+100x40", TTS),
            of_pod("interject_provider_errors_total", "0+1x40", TTS),
        ],
        "10m",
    ),
    Case(
        "InterjectProviderFailing",
        "it gets no requests",
        [
            *pod(),
            of_pod("interject_provider_requests_total", "5x40", TTS),
            of_pod("interject_provider_errors_total", "5x40", TTS),
        ],
        "10m",
    ),
    Case(
        "InterjectProviderFailing",
        "a tool fails every time",
        [
            *pod(),
            of_pod("interject_provider_requests_total", "0+10x40", TOOL),
            of_pod("interject_provider_errors_total", "0+10x40", TOOL),
        ],
        "10m",
    ),
    Case("InterjectLateTicks", "two of fifty are", pod(late_ticks_total="0+60x40"), "12m", [POD]),
    Case("InterjectLateTicks", "one is, now and then", pod(late_ticks_total="0+1x40"), "12m"),
    Case("InterjectLateTicks", "it stalled once", pod(late_ticks_total="0x10 120x30"), "8m"),
    Case(
        "InterjectPodDown",
        "it stops to answer",
        [*pod(info="1x10 _x20"), up(POD, "1x10 0x20")],
        "8m",
        [POD],
    ),
    Case(
        "InterjectPodDown", "it was deleted", [*pod(info="1x10 _x20"), up(POD, "1x10 _x20")], "8m"
    ),
    Case("InterjectPodDown", "an unrelated pod is down", [*pod(), up(ASTERISK, "0x40")], "8m"),
    Case(
        "InterjectPodMetricsAbsent",
        "agents are there, and no pod is seen",
        [series("interject_operator_agents", "2x40", OPERATOR)],
        "12m",
        [{}],
    ),
    Case(
        "InterjectPodMetricsAbsent",
        "there are no agents",
        [series("interject_operator_agents", "0x40", OPERATOR)],
        "12m",
    ),
    Case(
        "InterjectPodMetricsAbsent",
        "pods are seen",
        [*pod(), series("interject_operator_agents", "1x40", OPERATOR)],
        "12m",
    ),
    Case(
        "InterjectOperatorNotLeading",
        "both replicas stand by",
        [
            series("interject_operator_leader", "1x9 0x20", OPERATOR),
            series("interject_operator_leader", "0x30", SECOND),
        ],
        "8m",
        [{"namespace": "interject"}],
    ),
    Case(
        "InterjectOperatorNotLeading",
        "the other one takes over",
        [
            series("interject_operator_leader", "1x9 0x20", OPERATOR),
            series("interject_operator_leader", "0x10 1x20", SECOND),
        ],
        "8m",
    ),
    Case("InterjectOperatorAbsent", "no replica is seen", [*pod()], "12m", [{}]),
    Case(
        "InterjectOperatorAbsent",
        "one stands by",
        [series("interject_operator_leader", "0x40", OPERATOR)],
        "12m",
    ),
    Case(
        "InterjectAsteriskDown",
        "it does not answer",
        [
            series("asterisk_core_uptime_seconds", "0+30x10 _x20", ASTERISK),
            series("asterisk_core_uptime_seconds", "0+30x40", ASTERISK | {"pod": "asterisk-1"}),
            up(ASTERISK, "1x10 0x20"),
        ],
        "7m",
        [ASTERISK],
    ),
    Case(
        "InterjectAsteriskDown",
        "the last one is gone",
        [
            series("asterisk_core_uptime_seconds", "0+30x10 _x30", ASTERISK),
            series("interject_operator_agents", "1x40", OPERATOR),
        ],
        "12m",
        [{"namespace": "voice"}],
    ),
    Case(
        "InterjectAsteriskDown",
        "one of two was taken away",
        [
            series("asterisk_core_uptime_seconds", "0+30x10 _x30", ASTERISK),
            series("asterisk_core_uptime_seconds", "0+30x40", ASTERISK | {"pod": "asterisk-1"}),
        ],
        "12m",
    ),
    Case("InterjectAsteriskDown", "there never was one", pod(), "12m"),
]
