"""How many pods there are, and how many may be missing."""

from typing import Any

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json
from voiceagent_operator.media_pods import METRIC


def disruption_budgets(agent: Agent) -> list[Json]:
    """At most one pod at a time may be evicted; none with `eviction: never`.

    Also the only pod, and also one with calls: it drains, and new calls go to its replacement. A
    budget that waits for idle pods would never let a busy one go, because an eviction that is
    refused leaves the pod ready for new calls.
    """
    most = 0 if agent.spec.eviction == "never" else 1
    return [
        {
            "name": agent.name,
            "spec": {
                "maxUnavailable": most,
                "selector": {"matchLabels": names.selected(agent)},
                # A pod that never became ready has no calls, and must not block a node drain.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
    ]


def autoscalers(agent: Agent) -> list[Json]:
    """The HorizontalPodAutoscaler, if the metric is served by the custom metrics API."""
    scaling = agent.spec.autoscaling
    if scaling.metric_source not in ("operator", "prometheus-adapter"):
        return []
    metric = {
        "type": "Pods",
        "pods": {
            "metric": {"name": METRIC},
            "target": {"type": "AverageValue", "averageValue": str(calls_per_pod(agent))},
        },
    }
    return [
        {
            "name": agent.name,
            "spec": {
                "scaleTargetRef": _target(agent),
                "minReplicas": scaling.min_replicas,
                "maxReplicas": scaling.max_replicas,
                "metrics": [metric],
                "behavior": _behavior(agent),
            },
        }
    ]


def scaled_objects(agent: Agent) -> list[Json]:
    """KEDA's ScaledObject, which queries Prometheus."""
    scaling = agent.spec.autoscaling
    if scaling.metric_source != "keda":
        return []
    return [
        {
            "name": agent.name,
            "spec": {
                "scaleTargetRef": _target(agent),
                "minReplicaCount": scaling.min_replicas,
                "maxReplicaCount": scaling.max_replicas,
                "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior(agent)}},
                "triggers": [
                    {
                        "type": "prometheus",
                        "metricType": "AverageValue",
                        "metadata": {
                            "serverAddress": scaling.prometheus_url,
                            "query": calls_query(agent),
                            "threshold": str(calls_per_pod(agent)),
                        },
                    }
                ],
            },
        }
    ]


def calls_query(agent: Agent) -> str:
    """PromQL for the active calls of the agent's pods, as the operator's metrics API counts them.

    `interject_pod_info` says whose a pod is: the pods of agent desk-vip have names that begin with
    desk- too. Calls of draining pods need no further pod.
    """
    namespace = f'namespace="{agent.namespace}"'
    own = f'interject_pod_info{{{namespace},agent="{agent.name}"}}'
    draining = f"interject_draining_seconds{{{namespace}}} > 0"
    same_pod = "on (namespace, pod)"
    return f"sum({METRIC}{{{namespace}}} and {same_pod} {own} unless {same_pod} ({draining}))"


def calls_per_pod(agent: Agent) -> int:
    """Target of active calls per pod, at least one."""
    return max(agent.spec.capacity.calls * agent.spec.autoscaling.target_percent // 100, 1)


def _target(agent: Agent) -> dict[str, str]:
    return {
        "apiVersion": VOICE_AGENT.api_version,
        "kind": VOICE_AGENT.kind,
        "name": agent.name,
    }


def _behavior(agent: Agent) -> dict[str, Any]:
    """Up at once, because callers wait; down one pod at a time, because calls come in waves."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 15},
                {"type": "Pods", "value": 2, "periodSeconds": 15},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": agent.spec.autoscaling.scale_down_seconds,
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}],
        },
    }
