"""One replica of the operator: probes, metrics and the metrics API always, the rest if it leads."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from aiohttp import web

from media_pod.errors import SetupError
from media_pod.listening import ANYWHERE, listen
from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.kube.kopf_watch import watch_with_kopf
from voiceagent_operator.leader.leader import Leader
from voiceagent_operator.leader.lease import Leadership
from voiceagent_operator.media_pods import PodCalls
from voiceagent_operator.metrics_api.certificates import CertificateFiles, CertificateSecret, Source
from voiceagent_operator.metrics_api.keeper import CertificateKeeper
from voiceagent_operator.metrics_api.server import MetricsServer
from voiceagent_operator.settings import Settings, TlsFiles, TlsSecret
from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.logs_and_traces import ReconcileTracing
from voiceagent_operator.telemetry.metrics import OperatorMetrics
from voiceagent_operator.telemetry.probes import make_app

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Turns signals into the cancellation of one piece of work."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def take_signals(self) -> None:
        """Install the signal handlers.

        Call it again after kopf has started, which installs its own: on a signal kopf would wait up
        to five seconds for every task of the process.
        """
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._asked.set)

    async def until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends, or cancel it at the first signal."""
        self.take_signals()
        working, asking = asyncio.ensure_future(work), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait((working, asking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            working.cancel()
            await asyncio.gather(working, asking, return_exceptions=True)
        if not working.cancelled():
            working.result()


async def operate(settings: Settings) -> None:
    """Run one replica until SIGTERM or SIGINT, which give the lease back.

    Raises:
        NoClusterError: no cluster is configured.
        SetupError: a port is in use.
        LeadershipLostError: another replica may lead; restart.
    """
    heartbeats = Heartbeats(time.monotonic)
    metrics = OperatorMetrics(heartbeats)
    tracing = ReconcileTracing(settings.version)
    cluster = await find_cluster(settings.kubeconfig)
    api = ApiServer(cluster, metrics.api_request)
    signals = StopSignals()
    readiness = Readiness()
    try:
        probes = make_app(metrics, heartbeats, readiness)
        async with PodCalls() as pod_calls, answering(probes, settings.probe_port):
            watch = partial(watch_with_kopf, cluster, settings.namespaces, signals.take_signals)
            leader = Leader(
                *(api, settings, pod_calls, metrics, heartbeats, tracing, readiness, watch)
            )
            replica = _Replica(settings, api, pod_calls, metrics, leader)
            await signals.until_stopped(replica.run())
    finally:
        await api.aclose()
        await asyncio.to_thread(tracing.close)


class _Replica:
    """The work of one replica besides its probes."""

    def __init__(
        self,
        settings: Settings,
        api: ApiServer,
        pod_calls: PodCalls,
        metrics: OperatorMetrics,
        leader: Leader,
    ) -> None:
        self._settings = settings
        self._api = api
        self._pod_calls = pod_calls
        self._metrics = metrics
        self._leader = leader

    async def run(self) -> None:
        """Until cancelled."""
        serving = asyncio.ensure_future(self._serve())
        leading = asyncio.ensure_future(self._lead())
        try:
            await asyncio.wait((serving, leading), return_when=asyncio.FIRST_COMPLETED)
            for task in (serving, leading):
                if task.done():
                    task.result()
        finally:
            for task in (serving, leading):
                task.cancel()
            await asyncio.gather(serving, leading, return_exceptions=True)

    async def _serve(self) -> None:
        """The metrics API, if there is a certificate for it."""
        source = self._source()
        if source is None:
            await asyncio.Event().wait()
            return
        port = self._settings.metrics_api_port
        await MetricsServer(self._api, self._pod_calls, ANYWHERE, port, source).run()

    def _source(self) -> Source | None:
        match self._settings.metrics_api_tls:
            case TlsFiles(certificate, key):
                return CertificateFiles(certificate, key)
            case TlsSecret(secret, _):
                return CertificateSecret(self._api, self._settings.lease_namespace, secret)
            case None:
                return None

    async def _lead(self) -> None:
        settings = self._settings
        leadership = Leadership(
            self._api, settings.lease_namespace, settings.lease_name, settings.identity
        )
        try:
            await leadership.lead(self._led)
        finally:
            self._metrics.leads(False)

    async def _led(self) -> None:
        self._metrics.leads(True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._leader.run())
            match self._settings.metrics_api_tls:
                case TlsSecret(secret, service):
                    namespace = self._settings.lease_namespace
                    keeper = CertificateKeeper(
                        *(self._api, namespace, secret, service),
                        available=self._metrics.api_service,
                    )
                    tasks.create_task(keeper.run())
                case _:
                    pass


@asynccontextmanager
async def answering(probes: web.Application, port: int) -> AsyncIterator[None]:
    """Serve the probes within the context."""
    runner = web.AppRunner(probes, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listen(ANYWHERE, port)).start()
    except OSError as error:
        await runner.cleanup()
        raise SetupError(
            f"cannot bind probe port {port} ({error.strerror}); choose another --probe-port"
        ) from error
    try:
        yield
    finally:
        await runner.cleanup()
