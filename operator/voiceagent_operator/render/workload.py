"""The Deployment: media pods that keep their calls through rollouts, scale-down and eviction."""

from dataclasses import dataclass
from typing import Any, Final

from media_pod import logs
from media_pod.manifest.operation import AFTER_DRAIN_S
from media_pod.manifest.providers import (
    PiperTtsSettings,
    PocketsphinxSttSettings,
    WhisperSttSettings,
)
from media_pod.manifest.reload import restart_key
from media_pod.manifest.secrets import CONTAINER
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import Json
from voiceagent_operator.render.drain_check import check_drain
from voiceagent_operator.render.network import audio_port
from voiceagent_operator.render.secrets import secret_mounts, secret_volumes
from voiceagent_operator.render.strategic_merge import merge

USER_ID: Final = 10001
"""The user that the image has; not root."""
_PROGRESS_DEADLINE_S: Final = 120
"""Until Kubernetes calls a rollout stuck: a pod is up within seconds once its image is there."""

_HUNG_GRACE_S: Final = 5
"""From a failed liveness or startup probe to SIGKILL; the kubelet adds 2 s after SIGTERM. The pod
has not answered for 20 s: Asterisk, which gives up on silence after 2 s, has moved its calls to
other pods, and a pod that still starts has none. What is left to save is the export of traces,
which takes 3 s at most, of a process that may answer again."""

# `interject bench tick`, in thousandths of a core while everybody talks: 70 for one call, 290 for
# 64, 510 for 128. The request has room for a machine half as fast. A pod has 140 MB of its own, and
# below 1 MB per call; 270 MB if it has to read the weights of the speech detector with torch.
_CPU_M, _CPU_PER_CALL_M = 120, 7
_MEMORY_MI = 320
_MEMORY_PER_CALL_MI = 1
# Of each process of a local recognizer or voice: Whisper tiny.en has 233 MB, a medium Piper voice
# 290 MB. Larger models need resources in spec.podTemplate.
_CPU_PER_PROCESS_M = 500
_MEMORY_PER_PROCESS_MI = 400
_MEMORY_PER_SPHINX_MI = 40
"""It takes 36 MB after utterances of 20 s. It gets no CPU: it is for demonstrations."""


@dataclass(frozen=True, slots=True)
class PodDefaults:
    """Defaults of pods, for what the VoiceAgent does not set."""

    image: str
    pull_policy: str
    otlp_endpoint: str
    """Base URL of the collector of traces; "" for none."""
    log_format: str
    """text or json."""
    user_id: int | None = USER_ID
    """None: the cluster assigns it."""


def deployment(agent: Agent, defaults: PodDefaults) -> Json:
    """The Deployment of `agent`.

    A rollout never removes a pod before its successor is ready, and a terminating pod keeps its
    calls until they end. So nodes need room for both, or the rollout waits.

    Raises:
        MergeError: spec.podTemplate cannot be merged into the pod template.
        DrainCutError: a pod of the merged template would end its calls.
    """
    template: Json = {
        "metadata": {
            "labels": names.labels(agent),
            "annotations": {names.RESTART_KEY: restart_key(agent.spec)},
        },
        "spec": _pod(agent, defaults),
    }
    merged = merge(template, _overlay(agent))
    check_drain(merged, _grace_s(agent))
    return {
        "name": agent.name,
        "spec": {
            "replicas": agent.spec.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": _PROGRESS_DEADLINE_S,
            "selector": {"matchLabels": names.selected(agent)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
            },
            "template": merged,
        },
    }


def _overlay(agent: Agent) -> Json:
    """spec.podTemplate as a patch, without labels of ours."""
    metadata = agent.spec.pod_template.metadata
    labels = metadata.labels.items()
    own = names.labels(agent)
    return {
        "metadata": {
            "labels": {key: value for key, value in labels if key not in own},
            "annotations": metadata.annotations,
        },
        # To a patch the null of a field that is not set would mean its removal.
        "spec": agent.spec.pod_template.spec.model_dump(
            mode="json", by_alias=True, exclude_defaults=True
        ),
    }


def _grace_s(agent: Agent) -> int:
    return agent.spec.drain.timeout_seconds + AFTER_DRAIN_S


def _pod(agent: Agent, defaults: PodDefaults) -> Json:
    return {
        "serviceAccountName": agent.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # SIGTERM drains the pod. A preStop hook would do the same, and would need a token for it.
        "terminationGracePeriodSeconds": _grace_s(agent),
        "securityContext": {
            "runAsNonRoot": True,
            **_user(defaults.user_id),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": names.selected(agent)},
            }
        ],
        "containers": [_container(agent, defaults)],
        "volumes": [
            {"name": "manifest", "configMap": {"name": names.manifest_name(agent)}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            *secret_volumes(agent),
        ],
    }


def _user(user_id: int | None) -> dict[str, int]:
    """User and groups of a pod; none if the cluster assigns them, as OpenShift does."""
    if user_id is None:
        return {}
    return dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), user_id)


def _container(agent: Agent, defaults: PodDefaults) -> Json:
    return {
        "name": CONTAINER,
        "image": agent.spec.image or defaults.image,
        "imagePullPolicy": defaults.pull_policy,
        # The last line of a pod that does not start says why: find_cause reads it there.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "ports": [
            _port("http", agent.spec.server.http_port),
            _port("audio", audio_port(agent)),
        ],
        "env": _env(agent, defaults),
        **_probes(),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": _resources(agent),
        "volumeMounts": [
            {"name": "manifest", "mountPath": "/etc/interject", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            *secret_mounts(agent),
        ],
    }


def _env(agent: Agent, defaults: PodDefaults) -> list[dict[str, Any]]:
    env: list[dict[str, Any]] = [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {
            "name": "OTEL_RESOURCE_ATTRIBUTES",
            "value": f"k8s.namespace.name={agent.namespace},k8s.pod.name=$(POD_NAME)",
        },
    ]
    if defaults.otlp_endpoint and not agent.spec.telemetry.otlp_endpoint:
        env.append({"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": defaults.otlp_endpoint})
    if defaults.log_format != "text":
        env.append({"name": logs.VARIABLE, "value": defaults.log_format})
    return env


def _probes() -> dict[str, Any]:
    """Ready means loaded and not draining. It never means free slots: scale-down removes pods that
    are not ready first, whatever calls they have.

    A restart by a probe has a grace period of its own, because a hung pod ignores SIGTERM, and by
    default has the drain's.
    """

    def ask(path: str, **rest: int) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 3, **rest}

    return {
        "startupProbe": ask(
            "/readyz",
            periodSeconds=1,
            failureThreshold=120,
            terminationGracePeriodSeconds=_HUNG_GRACE_S,
        ),
        "readinessProbe": ask("/readyz", periodSeconds=2, failureThreshold=2),
        "livenessProbe": ask(
            "/livez",
            periodSeconds=5,
            failureThreshold=4,
            terminationGracePeriodSeconds=_HUNG_GRACE_S,
        ),
    }


def _local_processes(agent: Agent) -> int:
    """Number of processes that recognize or speak on the pod's own CPU."""
    stt, tts = agent.spec.stt, agent.spec.tts
    return sum(
        each.processes
        for each in (stt, *stt.fallbacks, tts, *tts.fallbacks)
        if isinstance(each, WhisperSttSettings | PiperTtsSettings)
    )


def _sphinx_processes(agent: Agent) -> int:
    """Number of the built-in recognizer's processes."""
    calls = agent.spec.capacity.calls
    recognizers = (agent.spec.stt, *agent.spec.stt.fallbacks)
    return sum(
        each.processes_for(calls)
        for each in recognizers
        if isinstance(each, PocketsphinxSttSettings)
    )


def _resources(agent: Agent) -> dict[str, dict[str, str]]:
    calls, processes = agent.spec.capacity.calls, _local_processes(agent)
    cpu_m = _CPU_M + _CPU_PER_CALL_M * calls + _CPU_PER_PROCESS_M * processes
    memory_mi = _MEMORY_MI + _MEMORY_PER_CALL_MI * calls + _MEMORY_PER_PROCESS_MI * processes
    memory_mi += _MEMORY_PER_SPHINX_MI * _sphinx_processes(agent)
    return {
        "requests": {"cpu": _milli(cpu_m), "memory": f"{memory_mi}Mi"},
        # No CPU limit: every caller hears a throttled 20 ms clock.
        "limits": {"memory": f"{2 * memory_mi}Mi"},
    }


def _milli(cpu_m: int) -> str:
    """A quantity as Kubernetes itself writes it."""
    return str(cpu_m // 1000) if cpu_m % 1000 == 0 else f"{cpu_m}m"


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "containerPort": number, "protocol": "TCP"}
