"""The work of the leading replica."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import Any, Final

from voiceagent_operator.agents import names
from voiceagent_operator.agents.agent import Key
from voiceagent_operator.agents.directory import Directory
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.errors import ApiError, NotFoundError
from voiceagent_operator.kube.kinds import CONFIG_MAP, DEPLOYMENT, POD, VOICE_AGENT, Json, Kind
from voiceagent_operator.kube.kopf_watch import OnEvent
from voiceagent_operator.kube.watching import Change, watch
from voiceagent_operator.leader.cluster_check import HOW_TO_APPLY, CrdCheck
from voiceagent_operator.leader.optional_kinds import OptionalKinds
from voiceagent_operator.leader.triggers import AgentWatch, Signatures, owner_of
from voiceagent_operator.leader.work_queue import WorkQueue
from voiceagent_operator.media_pods import PodCalls
from voiceagent_operator.reconcile.call_watch import CallWatch
from voiceagent_operator.reconcile.dialplan import DialplanPublisher
from voiceagent_operator.reconcile.reconciler import Reconciled, Reconciler
from voiceagent_operator.reconcile.reporter import Reporter
from voiceagent_operator.render.children import KINDS, OPTIONAL, RenderSettings
from voiceagent_operator.settings import Settings
from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.logs_and_traces import ReconcileTracing, WarnOnce
from voiceagent_operator.telemetry.metrics import AgentPods, OperatorMetrics

WORKERS: Final = 4
"""Concurrent reconciles: each waits for the API server most of the time."""
_CRD_PAUSE_S: Final = 3.0
_LATE_S: Final = 10.0
"""A watch that still misses a listed agent after this time is dead."""
_CHECK_EVERY_S: Final = 50.0
"""Several times within the deadline of the liveness probe."""

WatchAgents = Callable[[OnEvent], Coroutine[Any, Any, None]]
"""Reports every event of VoiceAgents until cancelled, as `watch_with_kopf` does."""

log = logging.getLogger(__name__)


class Leader:
    """Reconciles all VoiceAgents.

    Args:
        watch_agents: the watch of VoiceAgents.
        now: monotonic time in seconds.
    """

    def __init__(
        self,
        api: ApiServer,
        settings: Settings,
        pod_calls: PodCalls,
        metrics: OperatorMetrics,
        heartbeats: Heartbeats,
        tracing: ReconcileTracing,
        readiness: Readiness,
        watch_agents: WatchAgents,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._settings = settings
        self._pod_calls = pod_calls
        self._metrics = metrics
        self._heartbeats = heartbeats
        self._tracing = tracing
        self._readiness = readiness
        self._watch_agents = watch_agents
        self._now = now
        self._crd = CrdCheck(api, settings.version)
        self._optional = OptionalKinds(api, heartbeats)
        self._signatures = Signatures()
        self._directory = Directory(settings.number_plans)
        self._agents: WorkQueue[Key] = WorkQueue(now)
        self._asterisks: WorkQueue[str] = WorkQueue(now)
        reporter = Reporter(api, settings.identity, settings.version, self._crd.refuses)
        self._publisher = DialplanPublisher(
            *(api, self._directory, settings.namespaces or None, settings.asterisk_namespaces),
            self._enqueue_all,
        )
        self._reconciler = Reconciler(
            *(api, reporter, self._setting, self._publisher.publication, pod_calls.ask),
            self._crd.trouble,
            self._optional.forget,
        )
        metrics.show_pods_of(self._agent_pods)
        self._watch = AgentWatch(
            self._directory,
            self._agents.add,
            self._asterisks.add,
            lambda: heartbeats.beat(VOICE_AGENT.plural),
        )

    async def run(self) -> None:
        """Run until cancelled; raises if one of its tasks fails."""
        await self._wait_for_cluster()
        calls = CallWatch(self._api, self._reconciler, self._pod_calls.ask, self._now)
        async with asyncio.TaskGroup() as tasks:
            for work in (
                self._watch_agents(self._watch.on_event),
                *self._watches(),
                *(self._reconcile_loop() for _ in range(WORKERS)),
                self._dialplan_loop(),
                self._resync_loop(),
                self._check_loop(),
                calls.run(),
            ):
                tasks.create_task(work)

    async def _wait_for_cluster(self) -> None:
        """Wait until all VoiceAgents are listed, and the optional kinds are known.

        Required before the first dialplan: with an incomplete list it would remove the extensions
        of the missing agents.
        """
        warnings = WarnOnce(log, "leader waiting")
        while True:
            try:
                await self._optional.check()
                for found in (await self._list()).values():
                    self._watch.seen(found)
            except NotFoundError:
                why = f"the CRD of VoiceAgents is not installed; run {HOW_TO_APPLY}"
                self._readiness.waits_for = why
                warnings.warn("start", why)
            except ApiError as error:
                warnings.warn("start", f"API server not available: {error}")
            else:
                self._readiness.waits_for = ""
                return
            await asyncio.sleep(_CRD_PAUSE_S)

    def _watches(self) -> Iterator[Coroutine[Any, Any, None]]:
        places = self._settings.namespaces or None
        for kind in KINDS:
            children = partial(
                watch,
                self._api,
                kind,
                places,
                f"{names.OURS},{names.AGENT}",
                self._child_changed,
                self._heartbeats,
                optional=kind in OPTIONAL,
            )
            yield self._optional.watch(kind, children) if kind in OPTIONAL else children()
        yield watch(self._api, POD, places, names.AGENT, self._pod_changed, self._heartbeats)
        for kind in (POD, CONFIG_MAP):
            yield watch(
                self._api,
                kind,
                places,
                names.ASTERISK,
                self._asterisk_changed,
                self._heartbeats,
                name=f"{kind.plural} of Asterisks",
            )

    def _child_changed(self, kind: Kind, metadata: Json, change: Change) -> None:
        key = owner_of(metadata)
        changed = self._signatures.changed(kind, metadata, change)
        # The status of the agent depends on that of its Deployment.
        if key is not None and (changed or kind is DEPLOYMENT):
            self._agents.add(key)

    def _pod_changed(self, _: Kind, metadata: Json, __: Change) -> None:
        if (key := owner_of(metadata)) is not None:
            self._agents.add(key)

    def _asterisk_changed(self, kind: Kind, metadata: Json, change: Change) -> None:
        if self._signatures.changed(kind, metadata, change):
            self._asterisks.add(metadata["labels"][names.ASTERISK])

    async def _reconcile_loop(self) -> None:
        while True:
            key = await self._agents.take()
            began = self._now()
            try:
                with self._tracing.reconcile(key) as span:
                    done = await self._reconciler.reconcile(key)
                    span.set_attribute("interject.writes", done.writes)
            except ApiError as error:
                log.warning("%s/%s: reconcile failed, will retry: %s", *key, error)
                self._metrics.reconciled("failed", self._now() - began)
                self._agents.failed(key, error.retry_after_s)
            except Exception:
                # The edge at which a fault in one reconcile is kept from the other agents.
                log.exception("%s/%s: internal error in reconcile, will retry", *key)
                self._metrics.reconciled("error", self._now() - began)
                self._agents.failed(key)
            else:
                self._metrics.reconciled(_result(done), self._now() - began)
                self._after(key, done)

    def _after(self, key: Key, done: Reconciled) -> None:
        for kind in done.drifted:
            self._metrics.drift_repaired(kind)
        if done.failed:
            self._agents.failed(key)
            return
        self._agents.done(key, done.again_after_s)
        if done.gone:
            self._agents.forget(key)

    async def _dialplan_loop(self) -> None:
        while True:
            asterisk = await self._asterisks.take()
            try:
                written = await self._publisher.publish(asterisk)
            except ApiError as error:
                log.warning("dialplan of Asterisk %s not written, will retry: %s", asterisk, error)
                self._asterisks.failed(asterisk, error.retry_after_s)
            else:
                # Foreign objects are not watched.
                (self._asterisks.done if written else self._asterisks.failed)(asterisk)

    async def _resync_loop(self) -> None:
        """Full resync: reconcile everything at an interval, in case an event was lost."""
        while True:
            await asyncio.sleep(self._settings.resync_s)
            try:
                await self._optional.check()
                listed = await self._list()
            except ApiError as error:
                log.warning("full resync failed, will retry: %s", error)
                continue
            for found in listed.values():
                self._watch.seen(found)
            for key in set(self._directory) - listed.keys():
                self._watch.gone(key)
            self._enqueue_all(self._directory)
            for asterisk in self._directory.asterisks():
                self._asterisks.add(asterisk)

    async def _check_loop(self) -> None:
        """Compare the directory, which kopf's watch feeds, with a list.

        kopf does not report whether its watch is connected, and an idle watch has no events.
        """
        while True:
            try:
                turned = [await self._crd.check(), await self._optional.check()]
                if any(turned):
                    self._enqueue_all(self._directory)
                listed = await self._list()
            except ApiError as error:
                log.warning("watch of VoiceAgents not checked, will retry: %s", error)
            else:
                await asyncio.sleep(_LATE_S)
                if all(map(self._knows, listed.values())):
                    self._heartbeats.beat(VOICE_AGENT.plural)
                else:
                    log.error("watch of VoiceAgents is stale: it misses agents that a list has")
                self._metrics.agents(len(self._directory))
            await asyncio.sleep(_CHECK_EVERY_S)

    async def _list(self) -> dict[Key, Json]:
        places = self._settings.namespaces or (None,)
        lists = [await self._api.get(VOICE_AGENT.path(place)) for place in places]
        items = [item for each in lists for item in each["items"]]
        return {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in items}

    def _knows(self, found: Json) -> bool:
        """Whether the watch has reported this generation of `found`, or its deletion."""
        head = found["metadata"]
        key = (head["namespace"], head["name"])
        entry = self._directory.get(key)
        if entry is None:
            return key in self._watch.lately_gone
        return entry.uid != head["uid"] or bool(entry.generation >= head["generation"])

    def _enqueue_all(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._agents.add(key)

    def _agent_pods(self) -> Iterator[AgentPods]:
        """For the metrics, at each scrape."""
        for known in self._reconciler.known.values():
            status = (known.seen.deployment or {}).get("status", {})
            scaling = known.agent.spec.autoscaling
            scales = scaling.metric_source != "none"
            scales = scales and scaling.max_replicas > scaling.min_replicas
            yield AgentPods(
                *known.agent.key,
                wanted=known.agent.spec.replicas,
                ready=status.get("readyReplicas", 0),
                most=scaling.max_replicas if scales else None,
            )

    def _setting(self) -> RenderSettings:
        options = self._settings
        return RenderSettings(
            options.media_image,
            options.pull_policy,
            self._optional.served,
            asterisk_namespaces=options.asterisk_namespaces,
            operator_namespace=options.lease_namespace,
            otlp_endpoint=options.media_otlp_endpoint,
            log_format=options.log_format,
            user_id=options.media_user_id,
            secret_prefix=options.agent_secret_prefix,
            metrics_api=options.metrics_api_tls is not None,
            pod_monitor_labels=dict(options.pod_monitor_labels),
        )


def _result(done: Reconciled) -> str:
    if done.failed:
        return "degraded"
    if done.gone:
        return "gone"
    return "changed" if done.writes else "unchanged"
