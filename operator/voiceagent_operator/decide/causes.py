"""Why an agent's pods do not run: the root cause, in one sentence.

Kubernetes reports it in many places: conditions of the Deployment and of pods, container states,
events. The rules, the most specific first:

    where                                              reason
    a child was refused by the API server              ChildRefused
    Deployment: ReplicaFailure, about a quota          QuotaExceeded
    Deployment: ReplicaFailure, otherwise              PodsRefused
    container waiting: CreateContainerConfigError      SecretMissing, SecretKeyMissing,
                                                       ConfigMapMissing, BadConfig
    container waiting: cannot pull image               ImageUnavailable
    pod event: FailedMount                             SecretMissing, SecretKeyMissing,
                                                       ConfigMapMissing, VolumeMissing
    pod: PodScheduled is False                         Unschedulable
    container waiting: CrashLoopBackOff, or it ended   ContainerCrashes
    container waiting: RunContainerError, ...          ContainerFails
    Deployment: Progressing is False                   RolloutStuck
    an autoscaler without its metric                   MetricsApiDisabled
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.kube.kinds import Json

_IMAGE: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
    }
)
_FAILS: Final = frozenset({"RunContainerError", "CreateContainerError", "StartError"})
_MOUNTED_KEY: Final = re.compile(r"non-existent secret key: ([-._a-zA-Z0-9]+)")
_VARIABLE_KEY: Final = re.compile(
    r"couldn't find key ([-._a-zA-Z0-9]+) in Secret [^/ ]+/([-.a-z0-9]+)"
)
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure, for the condition Degraded."""

    reason: str
    """CamelCase, one of a small set: for machines."""
    message: str
    """A sentence: for people."""


def find_cause(
    deployment: Json | None, pods: Sequence[Json], events: Sequence[Json]
) -> Cause | None:
    """The most specific cause, None if nothing is wrong.

    Args:
        deployment: as the API server returns it; None if it does not exist yet.
        pods: those of the agent, in any state.
        events: of those pods.
    """
    alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    found = [
        *_replica_failure(deployment),
        *(cause for pod in alive for cause in _config(pod)),
        *(cause for pod in alive for cause in _image(pod)),
        *_mounts(alive, events),
        *(cause for pod in alive for cause in _unschedulable(pod)),
        *(cause for pod in alive for cause in _crash(pod)),
        *_stuck(deployment),
    ]
    return found[0] if found else None


def find_scaling_cause(agent: Agent, metrics_api: bool) -> Cause | None:
    """Why an agent does not scale: its autoscaler gets no metric.

    Args:
        metrics_api: whether the operator serves the custom metrics API.
    """
    if metrics_api or agent.spec.autoscaling.metric_source != "operator":
        return None
    return Cause(
        "MetricsApiDisabled",
        "found autoscaling.metricSource: operator, but the operator serves no metrics API; "
        "install the chart with metricsApi.enabled=true, or choose another metricSource",
    )


def waits_for_volumes(pod: Json) -> bool:
    """Whether a pod is scheduled without a container yet; only its events have the reason."""
    scheduled = _condition(pod, "PodScheduled")
    waiting = [state.get("reason") for _, state in _waiting(pod)]
    return (
        scheduled is not None and scheduled["status"] == "True" and "ContainerCreating" in waiting
    )


def _replica_failure(deployment: Json | None) -> Iterator[Cause]:
    failure = _condition(deployment or {}, "ReplicaFailure")
    if failure is not None and failure["status"] == "True":
        message = failure.get("message", "")
        reason = "QuotaExceeded" if "quota" in message else "PodsRefused"
        yield _cause(reason, f"cannot create pods: {message}")


def _config(pod: Json) -> Iterator[Cause]:
    for name, state in _waiting(pod):
        if state.get("reason") == "CreateContainerConfigError":
            message = state.get("message", "")
            yield _missing(pod, message, f"cannot configure container {name}", "BadConfig")


def _image(pod: Json) -> Iterator[Cause]:
    for name, state in _waiting(pod):
        if (reason := state.get("reason", "")) in _IMAGE:
            image = _images(pod).get(name, "")
            yield _cause(
                "ImageUnavailable",
                f"cannot pull image {image} of container {name} ({reason}); "
                "check its name, tag and imagePullSecrets",
            )


def _mounts(pods: Sequence[Json], events: Sequence[Json]) -> Iterator[Cause]:
    waiting = {pod["metadata"]["uid"]: pod for pod in pods if waits_for_volumes(pod)}
    for event in sorted(events, key=_last_seen, reverse=True):
        about = event.get("regarding") or event.get("involvedObject") or {}
        if event.get("reason") == "FailedMount" and about.get("uid") in waiting:
            message = event.get("note") or event.get("message") or ""
            pod = waiting[about["uid"]]
            yield _missing(pod, message, "cannot mount volume", "VolumeMissing")


def _last_seen(event: Json) -> str:
    """When it happened last, RFC 3339. A Secret that exists now may have been missing before."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("deprecatedLastTimestamp"))
    return next((each for each in times if each), event.get("eventTime") or "")


def _unschedulable(pod: Json) -> Iterator[Cause]:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        yield _cause("Unschedulable", f"pod cannot be scheduled: {scheduled.get('message', '')}")


def _crash(pod: Json) -> Iterator[Cause]:
    for status in _containers(pod):
        state, name = status.get("state", {}), status["name"]
        waiting = state.get("waiting", {})
        ended = state.get("terminated") or status.get("lastState", {}).get("terminated")
        if waiting.get("reason") in _FAILS:
            message = waiting.get("message", "")
            yield _cause("ContainerFails", f"cannot start container {name}: {message}")
        elif ended is not None and not status.get("ready"):
            # The message is the end of the log: its last line is the error.
            lines = (ended.get("message") or ended.get("reason") or "").strip().splitlines()
            detail = lines[-1] if lines else ""
            code = ended.get("exitCode")
            yield _cause(
                "ContainerCrashes",
                f"container {name} ended with exit code {code} ({detail}); "
                f"see kubectl logs {pod['metadata']['name']} --previous",
            )


def _stuck(deployment: Json | None) -> Iterator[Cause]:
    progressing = _condition(deployment or {}, "Progressing")
    if progressing is not None and progressing["status"] == "False":
        yield _cause("RolloutStuck", progressing.get("message", ""))


def _missing(pod: Json, message: str, problem: str, otherwise: str) -> Cause:
    """The cause in the kubelet's `message`, with the next step; its reason is `otherwise` if the
    message is about no Secret and no ConfigMap."""
    reason, step = otherwise, ""
    if found := _VARIABLE_KEY.search(message):
        reason, step = "SecretKeyMissing", f"; add the key {found[1]} to Secret {found[2]}"
    elif found := _MOUNTED_KEY.search(message):
        secrets = " or ".join(_secrets_with(pod, found[1]))
        reason, step = "SecretKeyMissing", f"; add the key {found[1]} to Secret {secrets}"
    elif "not found" in message and "secret" in message:
        reason, step = "SecretMissing", "; create it in the agent's namespace"
    elif "not found" in message and "configmap" in message:
        reason = "ConfigMapMissing"
    return _cause(reason, f"{problem}: {message}{step and step + ', or correct the reference'}")


def _secrets_with(pod: Json, key: str) -> list[str]:
    """Names of the Secrets of which `pod` needs `key`; the kubelet names the key alone."""
    volumes = pod["spec"].get("volumes", [])
    alone = [each["secret"] for each in volumes if "secret" in each]
    projected = [
        source["secret"]
        for each in volumes
        for source in each.get("projected", {}).get("sources", [])
        if "secret" in source
    ]
    return [
        secret.get("secretName") or secret["name"]
        for secret in [*alone, *projected]
        if not secret.get("optional")
        and any(item["key"] == key for item in secret.get("items", []))
    ]


def _waiting(pod: Json) -> Iterator[tuple[str, Json]]:
    """Name and state of each waiting container."""
    for status in _containers(pod):
        if waiting := status.get("state", {}).get("waiting"):
            yield status["name"], waiting


def _containers(pod: Json) -> Iterable[Json]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _images(pod: Json) -> dict[str, str]:
    spec = pod["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    return {container["name"]: container.get("image", "") for container in containers}


def _condition(found: Json, kind: str) -> Json | None:
    conditions: list[Json] = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), None)


def _cause(reason: str, message: str) -> Cause:
    """A message of one line and bounded length."""
    line = " ".join(message.split())
    return Cause(reason, line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}...")
