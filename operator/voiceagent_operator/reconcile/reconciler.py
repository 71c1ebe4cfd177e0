"""Reconciling one VoiceAgent: read its children, render the desired ones, apply, report.

Level-triggered: events and timers only enqueue the key of an agent. A reconcile that fails at any
point is completed by the next one.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from media_pod.manifest.validation import SpecError
from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Agent, Key, parse_agent
from voiceagent_operator.decide.causes import (
    Cause,
    find_cause,
    find_scaling_cause,
    waits_for_volumes,
)
from voiceagent_operator.decide.permitted import find_forbidden
from voiceagent_operator.decide.plan import make_plan
from voiceagent_operator.decide.status import Observed, PublicationState
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import CONFIG_MAP, POD, VOICE_AGENT, Json, Kind
from voiceagent_operator.media_pods import Annotations, Ask, MediaPod, annotations_for, running
from voiceagent_operator.reconcile.children import Family, Repair, read_family, repair
from voiceagent_operator.reconcile.reporter import Reporter
from voiceagent_operator.render.children import (
    KINDS,
    OPTIONAL,
    Child,
    RenderSettings,
    Slot,
    children,
    digest,
)
from voiceagent_operator.render.drain_check import DrainCutError
from voiceagent_operator.render.strategic_merge import MergeError

RECHECK_S: Final = 5.0
"""While pods wait for volumes: only events have the reason, and events are not watched."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class KnownAgent:
    """State of an agent between reconciles, so that calls are reported without another one."""

    agent: Agent
    found: Json
    """Metadata and latest status."""
    seen: Observed
    pods: tuple[MediaPod, ...] = ()
    calls: Mapping[str, int] | None = None
    """Active calls by the address of each pod that answered; None before the first poll."""
    left: dict[Slot, str] = field(default_factory=dict)
    """See plan.py."""

    def counting(self, calls: Mapping[str, int] | None) -> Observed:
        """`seen` with these calls of its pods."""
        if calls is None:
            return replace(self.seen, calls=None, ready_calls=None)
        return replace(
            self.seen,
            calls=sum(calls.get(pod.address, 0) for pod in self.pods),
            ready_calls=sum(calls.get(pod.address, 0) for pod in self.pods if pod.ready),
        )


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The result of a reconcile."""

    writes: int = 0
    drifted: tuple[str, ...] = ()
    """Kinds of repaired children that another client had changed."""
    gone: bool = False
    """Whether the VoiceAgent does not exist any more."""
    again_after_s: float | None = None
    failed: str = ""
    """Why a child could not be repaired; "" if all match."""


class Reconciler:
    """Reconciles VoiceAgents.

    Args:
        setting: render settings, read at each reconcile.
        publication: which extensions of an agent are in the dialplan.
        ask: reads the active calls of pods.
        trouble: a cause that affects the whole cluster, if there is one.
        forget: takes the optional kinds that turned out not to be served.
    """

    def __init__(
        self,
        api: ApiServer,
        reporter: Reporter,
        setting: Callable[[], RenderSettings],
        publication: Callable[[Agent], PublicationState],
        ask: Ask,
        trouble: Callable[[], Cause | None],
        forget: Callable[[frozenset[Kind]], None],
    ) -> None:
        self._api = api
        self._reporter = reporter
        self._setting = setting
        self._publication = publication
        self._ask = ask
        self._trouble = trouble
        self._forget = forget
        self.known: dict[Key, KnownAgent] = {}

    async def reconcile(self, key: Key) -> Reconciled:
        """Reconcile one VoiceAgent.

        Raises:
            ApiError: no answer, or a temporary refusal; retry.
        """
        try:
            found = await self._api.get(VOICE_AGENT.path(*key))
        except NotFoundError:
            self.known.pop(key, None)
            return Reconciled(gone=True)
        if "deletionTimestamp" in found["metadata"]:
            return Reconciled()
        try:
            agent = parse_agent(found)
        except SpecError as problem:
            log.warning("%s", problem)
            made = self._reporter.bad_spec(found, str(problem))
            return Reconciled(writes=await self._reporter.report(found, made))
        return await self._reconcile(agent, found)

    async def report_calls(self, key: Key, calls: Mapping[str, int]) -> int:
        """Write the active calls of an agent, without a reconcile.

        Args:
            calls: by address, of the pods that answered.

        Returns the number of writes.
        """
        known = self.known.get(key)
        if known is None:
            return 0
        known.calls, known.seen = calls, known.counting(calls)
        return await self._report(known)

    async def _reconcile(self, agent: Agent, found: Json) -> Reconciled:
        setting = self._setting()
        kinds = [kind for kind in KINDS if kind not in OPTIONAL or kind in setting.kinds]
        family = await read_family(self._api, agent, kinds)
        self._forget(family.unserved)
        setting = replace(setting, kinds=setting.kinds - family.unserved)
        before = self.known.get(agent.key)
        if before is not None and before.agent.uid != agent.uid:
            before = None
        left = before.left if before is not None else {}
        pods = running(family.pods, agent.spec.server.http_port)
        if _scales_down(agent, family.deployment(agent)):
            await self._rank(agent, pods)
        done, manifest = await self._repair(agent, setting, family, left)
        shown = await self._show_manifest(agent, manifest, pods)
        deployment = family.deployment(agent)
        seen = Observed(
            deployment=deployment,
            cause=(
                done.trouble
                or find_cause(deployment, family.pods, family.events)
                or find_scaling_cause(agent, setting.metrics_api)
                or self._trouble()
            ),
            image=agent.spec.image or setting.image,
            publication=self._publication(agent),
        )
        calls = before.calls if before is not None else None
        known = KnownAgent(agent, _head(found), seen, tuple(pods), calls, left)
        known.seen = known.counting(calls)
        self.known[agent.key] = known
        waits = any(map(waits_for_volumes, family.pods))
        return Reconciled(
            done.writes + shown + await self._report(known),
            done.drifted,
            again_after_s=RECHECK_S if waits else None,
            failed=done.trouble.message if done.trouble else "",
        )

    async def _repair(
        self, agent: Agent, setting: RenderSettings, family: Family, left: dict[Slot, str]
    ) -> tuple[Repair, str]:
        """Apply what differs; also returns a hash of the manifest, "" if there is none."""
        forbidden = find_forbidden(agent, setting.secret_prefix)
        if forbidden is not None:
            return Repair(trouble=forbidden), ""
        try:
            desired = children(agent, setting)
        except (MergeError, DrainCutError) as error:
            return Repair(trouble=Cause("BadPodTemplate", f"spec.podTemplate: {error}")), ""
        plan = make_plan(agent, desired, family.children, left)
        return await repair(self._api, agent, plan, family, left), _manifest(desired)

    async def _rank(self, agent: Agent, pods: Sequence[MediaPod]) -> None:
        """Update deletion costs, so that the scale-down that follows removes the idlest pods.

        The periodic values of call_watch.py may be ten seconds old.
        """
        calls = await self._ask([pod.address for pod in pods])
        for pod in pods:
            count = calls.get(pod.address)
            if count is None:
                continue
            wanted = annotations_for(count, agent.spec.eviction)
            if pod.differs(wanted):
                await annotate(self._api, agent.namespace, pod.name, wanted)

    async def _show_manifest(self, agent: Agent, manifest: str, pods: list[MediaPod]) -> int:
        """Touch pods that may have an older manifest, so that their kubelet refreshes it."""
        wanted = {names.MANIFEST_SEEN: manifest}
        late = [pod for pod in pods if manifest and pod.differs(wanted)]
        for pod in late:
            await annotate(self._api, agent.namespace, pod.name, wanted)
        return len(late)

    async def _report(self, known: KnownAgent) -> int:
        old = known.found.get("status", {})
        made = self._reporter.make_status(known.agent, known.seen, old)
        return await self._reporter.report(known.found, made)


async def annotate(api: ApiServer, namespace: str, pod: str, annotations: Annotations) -> None:
    """Write annotations on a pod; ignored if the pod is deleted."""
    patch = {"metadata": {"annotations": dict(annotations)}}
    try:
        await api.merge(POD.path(namespace, pod), patch)
    except NotFoundError:
        log.debug("pod %s/%s is deleted", namespace, pod)


def _scales_down(agent: Agent, deployment: Json | None) -> bool:
    return deployment is not None and agent.spec.replicas < deployment["spec"]["replicas"]


def _manifest(desired: list[Child]) -> str:
    (data,) = (child.body["data"] for child in desired if child.kind is CONFIG_MAP)
    return digest(data)


def _head(found: Json) -> Json:
    """The part of a VoiceAgent that reports need."""
    metadata = {key: found["metadata"][key] for key in ("namespace", "name", "uid", "generation")}
    return {"metadata": metadata, "status": found.get("status", {})}
