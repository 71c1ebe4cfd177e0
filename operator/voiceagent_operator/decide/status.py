"""The status of a VoiceAgent, from its children and its calls; and events on changed conditions.

    condition           True                         False
    Ready               a pod is ready               NoPodReady, ScaledToZero, BadSpec
    Progressing         RollingOut                   RolledOut
    Degraded            one of causes.py, BadSpec,   AsExpected
                        CrdOutdated,
                        TransferNotAllowed
    CapacityAvailable   a pod has room               Full, NoPodReady; Unknown: NotAsked
    Published           extensions can be called     ExtensionReserved, ExtensionNotPermitted,
                                                     ExtensionTaken, NoAsterisk, NameTaken;
                                                     Unknown: Pending

An agent without extensions is Published for NothingToPublish: nothing is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from asterisk_config.number_plan import Refusal
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.decide.causes import Cause
from voiceagent_operator.kube.api import FIELD_MANAGER
from voiceagent_operator.kube.kinds import EVENT, VOICE_AGENT, Json

CONDITIONS: Final = ("Ready", "Progressing", "Degraded", "CapacityAvailable", "Published")


@dataclass(frozen=True, slots=True)
class PublicationState:
    """Which extensions of an agent are in the dialplan."""

    published: tuple[str, ...] = ()
    taken: tuple[tuple[str, str], ...] = ()
    """Extensions held by older agents, each with the holder as namespace/name."""
    refused: tuple[Refusal, ...] = ()
    """Extensions that the number plan of the Asterisk refuses."""
    blocked_transfers: tuple[str, ...] = ()
    """Transfer targets that the number plan does not permit."""
    pending: bool = False
    """Whether the dialplan is still to be written."""
    asterisk_found: bool = True
    name_taken: tuple[str, ...] = ()
    """Namespaces in which a foreign ConfigMap has the dialplan's name."""
    asterisk_elsewhere: tuple[str, ...] = ()
    """Namespaces in which pods have the Asterisk's label, but may not be an Asterisk."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The observed state of an agent."""

    deployment: Json | None = None
    cause: Cause | None = None
    calls: int | None = None
    """Active calls on all pods; None before the first poll."""
    ready_calls: int | None = None
    """Of them, on ready pods. A draining pod has calls, but no slot that counts."""
    image: str = ""
    publication: PublicationState = field(default_factory=PublicationState)


@dataclass(frozen=True, slots=True)
class _Verdict:
    status: str
    reason: str
    message: str


def make_status(agent: Agent, seen: Observed, old: Json, version: str, now: str) -> Json:
    """The whole status.

    Args:
        old: the status until now; a condition keeps its time while it keeps its status.
        version: of the operator.
        now: RFC 3339, UTC.
    """
    counts = _Counts.of(seen.deployment)
    capacity = counts.ready * agent.spec.capacity.calls
    verdicts = {
        "Ready": _ready(agent, counts),
        "Progressing": _progressing(agent, counts),
        "Degraded": _degraded(seen.cause or _blocked_transfers(agent, seen.publication)),
        "CapacityAvailable": _capacity(counts, capacity, seen.ready_calls),
        "Published": _published(agent, seen.publication),
    }
    return {
        "observedGeneration": agent.generation,
        "replicas": counts.all,
        "readyReplicas": counts.ready,
        "activeCalls": seen.calls or 0,
        "capacity": capacity,
        "selector": ",".join(f"{key}={value}" for key, value in names.selected(agent).items()),
        "endpoints": [f"{agent.name}.{agent.namespace}.svc:{agent.spec.server.http_port}"],
        "extensions": list(seen.publication.published),
        "image": seen.image,
        "version": version,
        "conditions": _conditions(verdicts, agent.generation, old, now),
    }


def bad_spec(generation: int, problem: str, old: Json, version: str, now: str) -> Json:
    """The status of a VoiceAgent with an invalid spec; its pods stay as they are."""
    kept = {
        key: value
        for key, value in old.items()
        if key not in ("conditions", "observedGeneration", "version")
    }
    verdicts = {
        "Ready": _Verdict("False", "BadSpec", problem),
        "Degraded": _Verdict("True", "BadSpec", problem),
    }
    conditions = _conditions(verdicts, generation, old, now)
    return kept | {
        "observedGeneration": generation,
        "version": version,
        "conditions": conditions,
    }


@dataclass(frozen=True, slots=True)
class ConditionChange:
    """A condition whose status or reason has changed."""

    kind: str
    status: str
    reason: str
    message: str
    first: bool = False
    """The VoiceAgent had no such condition before."""

    @property
    def bad(self) -> bool:
        """Whether it needs attention."""
        return self.status == ("True" if self.kind == "Degraded" else "False")


def condition_changes(old: Json, new: Json) -> list[ConditionChange]:
    """The changed conditions, in the order of `CONDITIONS`."""
    before = {each["type"]: (each["status"], each["reason"]) for each in old.get("conditions", [])}
    return [
        ConditionChange(
            each["type"],
            each["status"],
            each["reason"],
            each["message"],
            first=each["type"] not in before,
        )
        for each in new["conditions"]
        if before.get(each["type"]) != (each["status"], each["reason"])
    ]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Pods of a Deployment."""

    all: int = 0
    ready: int = 0
    updated: int = 0
    observed: bool = False
    """The numbers are about the Deployment's latest spec."""

    @classmethod
    def of(cls, deployment: Json | None) -> "_Counts":
        if deployment is None:
            return cls()
        status = deployment.get("status", {})
        generation = deployment["metadata"].get("generation", 0)
        return cls(
            status.get("replicas", 0),
            status.get("readyReplicas", 0),
            status.get("updatedReplicas", 0),
            status.get("observedGeneration", 0) >= generation,
        )


def _ready(agent: Agent, counts: _Counts) -> _Verdict:
    if counts.ready > 0:
        return _Verdict(
            "True", "PodsReady", f"{counts.ready} of {agent.spec.replicas} pods are ready"
        )
    if agent.spec.replicas == 0:
        return _Verdict("False", "ScaledToZero", "spec.replicas is 0")
    return _Verdict("False", "NoPodReady", f"0 of {agent.spec.replicas} pods are ready")


def _progressing(agent: Agent, counts: _Counts) -> _Verdict:
    wanted = agent.spec.replicas
    if counts.observed and counts.updated == counts.ready == counts.all == wanted:
        return _Verdict("False", "RolledOut", f"all {wanted} pods are up to date and ready")
    message = f"{counts.updated} of {wanted} pods are up to date, {counts.ready} are ready"
    return _Verdict("True", "RollingOut", message)


def _degraded(cause: Cause | None) -> _Verdict:
    if cause is None:
        return _Verdict("False", "AsExpected", "nothing is wrong")
    return _Verdict("True", cause.reason, cause.message)


def _blocked_transfers(agent: Agent, publication: PublicationState) -> Cause | None:
    if not publication.blocked_transfers:
        return None
    places = "; ".join(publication.blocked_transfers)
    return Cause(
        "TransferNotAllowed",
        f"Asterisk {agent.spec.telephony.asterisk} does not transfer callers to {places}; remove "
        "them from spec.telephony.transfers, or add them to the chart's asterisk.transferPlaces",
    )


def _capacity(counts: _Counts, capacity: int, calls: int | None) -> _Verdict:
    """Args: capacity and calls of the ready pods."""
    if counts.ready == 0:
        return _Verdict("False", "NoPodReady", "no pod is ready")
    if calls is None:
        return _Verdict("Unknown", "NotAsked", "the number of active calls is not known yet")
    if calls >= capacity:
        return _Verdict("False", "Full", f"all {capacity} call slots of ready pods are in use")
    return _Verdict(
        "True", "RoomLeft", f"calls can be accepted; ready pods have {capacity} call slots"
    )


def _published(agent: Agent, publication: PublicationState) -> _Verdict:
    asterisk = agent.spec.telephony.asterisk
    if not agent.spec.telephony.extensions:
        return _Verdict("True", "NothingToPublish", "spec.telephony.extensions is empty")
    if publication.refused or publication.taken:
        return _not_granted(asterisk, publication)
    if not publication.asterisk_found:
        message = f"no Asterisk pod found with the label {names.ASTERISK}={asterisk}"
        if publication.asterisk_elsewhere:
            others = ", ".join(publication.asterisk_elsewhere)
            message += (
                f" in a namespace that may have one; pods in {others} have it: to allow them, add "
                "the namespace to --asterisk-namespace (chart: operator.asteriskNamespaces)"
            )
        return _Verdict("False", "NoAsterisk", message)
    if publication.name_taken:
        name = names.dialplan_name(asterisk)
        there = ", ".join(f"{namespace}/{name}" for namespace in publication.name_taken)
        message = f"ConfigMap {there} exists and was not made by this operator; delete it"
        return _Verdict("False", "NameTaken", message)
    if publication.pending:
        return _Verdict("Unknown", "Pending", f"writing the dialplan of Asterisk {asterisk}")
    return _Verdict("True", "InDialplan", f"extensions are in the dialplan of Asterisk {asterisk}")


def _not_granted(asterisk: str, publication: PublicationState) -> _Verdict:
    parts = []
    if publication.refused:
        refused = ", ".join(f"{each.extension} ({each.why})" for each in publication.refused)
        parts.append(f"the number plan of Asterisk {asterisk} refuses: {refused}")
    if publication.taken:
        taken = ", ".join(f"{number} ({holder})" for number, holder in publication.taken)
        parts.append(f"extensions of Asterisk {asterisk} are held by older agents: {taken}")
    reason = publication.refused[0].reason if publication.refused else "ExtensionTaken"
    return _Verdict("False", reason, "; ".join(parts))


def _conditions(verdicts: dict[str, _Verdict], generation: int, old: Json, now: str) -> list[Json]:
    before = _by_type(old.get("conditions", []))
    return [
        {
            "type": kind,
            "status": verdict.status,
            "observedGeneration": generation,
            "lastTransitionTime": _since(before.get(kind), verdict, now),
            "reason": verdict.reason,
            "message": verdict.message,
        }
        for kind, verdict in verdicts.items()
    ]


def _since(before: Json | None, verdict: _Verdict, now: str) -> str:
    if before is not None and before["status"] == verdict.status:
        since: str = before["lastTransitionTime"]
        return since
    return now


def _by_type(conditions: Iterable[Json] | Sequence[Json]) -> dict[str, Json]:
    return {each["type"]: each for each in conditions}


_LONGEST_NOTE: Final = 1000
"""Kubernetes takes 1024 bytes."""
_REPORTED: Final = frozenset({"Ready", "Degraded", "Published"})
"""The others change with every rollout and with the number of calls."""


def event(
    found: Json, change: ConditionChange, instance: str, now: str, suffix: str
) -> Json | None:
    """The event that reports `change`, None if it needs no event.

    Args:
        found: the VoiceAgent.
        instance: identity of this replica of the operator.
        now: RFC 3339 with microseconds, UTC.
        suffix: makes the name of the event unique.
    """
    if (
        change.kind not in _REPORTED
        or change.status == "Unknown"
        or (change.first and _expected(change))
    ):
        return None
    head = found["metadata"]
    body = EVENT.head(head["namespace"], f"{head['name']}.{suffix}")
    return body | {
        "eventTime": now,
        "reportingController": f"interject.dev/{FIELD_MANAGER}",
        "reportingInstance": instance,
        "action": "Reconcile",
        "reason": change.reason,
        "type": "Warning" if change.bad else "Normal",
        "note": f"{change.kind} is {change.status}: {change.message}"[:_LONGEST_NOTE],
        "regarding": {
            "apiVersion": VOICE_AGENT.api_version,
            "kind": VOICE_AGENT.kind,
            "namespace": head["namespace"],
            "name": head["name"],
            "uid": head["uid"],
        },
    }


def _expected(change: ConditionChange) -> bool:
    """Whether a new agent is expected to have this condition: not ready yet, nothing wrong."""
    return change.reason in ("AsExpected", "NoPodReady", "NothingToPublish", "NoAsterisk")
