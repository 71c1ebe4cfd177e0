"""A reconciler on a cluster in memory, and what else happens there: rollouts, pods, calls."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from memory_cluster import MemoryApi, MemoryCluster
from voice_agents import SETTING, voice_agent

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent
from voiceagent_operator.decide.causes import Cause
from voiceagent_operator.decide.status import PublicationState
from voiceagent_operator.kube.kinds import DEPLOYMENT, EVENT, POD, VOICE_AGENT, Json
from voiceagent_operator.media_pods import PodCalls
from voiceagent_operator.reconcile.reconciler import Reconciler
from voiceagent_operator.reconcile.reporter import Reporter

KEY = ("calls", "reception")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Pods(PodCalls):
    """How many calls the pods have, as they would answer; those that are not here stay silent."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        """By host and port."""

    async def ask(self, addresses: Iterable[str]) -> dict[str, int | None]:
        await asyncio.sleep(0)
        return {address: self.calls.get(address) for address in addresses}


class Rig:
    """One reconciler, triggered by hand."""

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.cluster = MemoryCluster()
        self.api = MemoryApi(self.cluster)
        self.pods = Pods()
        self.publication = PublicationState()
        self.trouble: Cause | None = None
        self.minutes = 0
        self.setting = SETTING
        reporter = Reporter(self.api, "operator-0", "1", refused.__contains__, now=self._now)
        self.reconciler = Reconciler(
            *(self.api, reporter, lambda: self.setting, self._publication, self.pods.ask),
            lambda: self.trouble,
            lambda unserved: None,
        )

    def _publication(self, agent: Agent) -> PublicationState:
        return self.publication

    def _now(self) -> datetime:
        return BEGAN + timedelta(minutes=self.minutes)

    @property
    def agent(self) -> Json:
        return self.cluster.get(VOICE_AGENT, *KEY)

    def events(self) -> list[tuple[str, str]]:
        """Type and reason of each event, in their order."""
        return [(each["type"], each["reason"]) for each in self.cluster.all(EVENT)]


def apply(cluster: MemoryCluster, name: str = "reception", /, **spec: Any) -> None:
    """A user makes a VoiceAgent."""
    body = voice_agent(name, **spec)
    head = body["metadata"]
    body["metadata"] = {"name": head["name"], "namespace": head["namespace"]}
    cluster.create(VOICE_AGENT, body)


def roll_out(cluster: MemoryCluster, ready: int, name: str = "reception") -> None:
    """The Deployment's controller is done: all pods are of the latest spec, `ready` of them up."""
    found = cluster.get(DEPLOYMENT, "calls", name)
    wanted = found["spec"]["replicas"]
    status = {
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": ready,
        "observedGeneration": found["metadata"]["generation"],
    }
    cluster.put_status(DEPLOYMENT, "calls", name, status)


def start_pod(cluster: MemoryCluster, number: int, status: Mapping[str, Any] | None = None) -> str:
    """A pod of the agent's Deployment appears, running unless `status` differs; its address."""
    body = POD.head("calls", f"reception-{number}")
    body["metadata"]["labels"] = {names.AGENT: "reception"}
    body["spec"] = {"containers": [{"name": "media", "image": "example.com/media:1"}]}
    ready = [{"type": "Ready", "status": "True"}]
    body["status"] = {
        "phase": "Running",
        "podIP": f"10.0.0.{number}",
        "conditions": ready,
        **(status or {}),
    }
    cluster.create(POD, body)
    return f"10.0.0.{number}:1650"


def waiting(reason: str, message: str = "") -> Json:
    """The status of a pod on a node whose container waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "phase": "Pending",
        "podIP": None,
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [{"name": "media", "ready": False, "state": state}],
    }
