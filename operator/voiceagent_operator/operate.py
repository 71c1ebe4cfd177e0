"""One replica of the operator: probes, metrics and the metrics API always, the rest if it leads."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.kube.heartbeats import Heartbeats
from voiceagent_operator.leader import Leader
from voiceagent_operator.lease import Leadership
from voiceagent_operator.own_metrics import OperatorMetrics
from voiceagent_operator.probes import make_app
from voiceagent_operator.settings import Settings
from voiceagent_operator.stopping import Stopping
from voiceagent_operator.tracing import Tracing


async def operate(settings: Settings) -> None:
    """Run one replica until SIGTERM or SIGINT, which give the lease back.

    Raises:
        NoClusterError: there is no cluster.
        LeadershipLostError: another replica may lead; start anew.
    """
    api = ApiServer(await find_cluster(settings.kubeconfig))
    tracing = Tracing(settings.version)
    heartbeats = Heartbeats(time.monotonic)
    metrics = OperatorMetrics(heartbeats)
    try:
        async with serving(settings, api, metrics, heartbeats):
            stopping = Stopping()

            async def work() -> None:
                metrics.leads(True)
                leader = Leader(api, settings, metrics, heartbeats, tracing, stopping.take_signals)
                await leader.run()

            await stopping.until_asked(
                Leadership(
                    api, settings.lease_namespace, settings.lease_name, settings.identity
                ).lead(work)
            )
    finally:
        await api.aclose()
        await asyncio.to_thread(tracing.close)


@asynccontextmanager
async def serving(
    settings: Settings, api: ApiServer, metrics: OperatorMetrics, heartbeats: Heartbeats
) -> AsyncIterator[None]:

    runner = web.AppRunner(make_app(metrics, heartbeats))
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", settings.probe_port).start()
    try:
        yield
    finally:
        await runner.cleanup()
