"""One replica of the operator: probes, metrics and the metrics API always, the rest if it leads."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.kube.heartbeats import Heartbeats
from voiceagent_operator.leader import Leader
from voiceagent_operator.lease import Leadership
from voiceagent_operator.own_metrics import OperatorMetrics
from voiceagent_operator.settings import Settings
from voiceagent_operator.tracing import Tracing

log = logging.getLogger(__name__)


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
            await until_signal(_lead(settings, api, metrics, heartbeats, tracing))
    finally:
        await api.aclose()
        await asyncio.to_thread(tracing.close)


async def _lead(
    settings: Settings,
    api: ApiServer,
    metrics: OperatorMetrics,
    heartbeats: Heartbeats,
    tracing: Tracing,
) -> None:
    async def work() -> None:
        metrics.leads(True)
        await Leader(api, settings, metrics, heartbeats, tracing).run()

    leadership = Leadership(api, settings.lease_namespace, settings.lease_name, settings.identity)
    await leadership.lead(work)


@asynccontextmanager
async def serving(
    settings: Settings, api: ApiServer, metrics: OperatorMetrics, heartbeats: Heartbeats
) -> AsyncIterator[None]:
    from aiohttp import web
    from voiceagent_operator.probes import make_app
    runner = web.AppRunner(make_app(metrics, heartbeats))
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", settings.probe_port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until it ends, or SIGTERM or SIGINT cancels it."""
    loop = asyncio.get_running_loop()
    working = asyncio.ensure_future(work)
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    asking = asyncio.ensure_future(asked.wait())
    try:
        await asyncio.wait((working, asking), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, asking):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await asyncio.gather(asking, return_exceptions=True)
