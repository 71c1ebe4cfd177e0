"""An operator's metrics page in a separate process, with the metrics of two managed agents.

python operator_page.py PORT
"""

import asyncio
import sys
import time
from itertools import count
from typing import Final

from aiohttp import web

from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.metrics import AgentPods, OperatorMetrics
from voiceagent_operator.telemetry.probes import make_app

_FEED_S: Final = 0.5


async def serve(port: int) -> None:
    """Serve until the process is terminated."""
    heartbeats = Heartbeats(time.monotonic)
    metrics = OperatorMetrics(heartbeats)
    runner = web.AppRunner(make_app(metrics, heartbeats, Readiness()))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    metrics.leads(True)
    metrics.agents(2)
    metrics.show_pods_of(lambda: [AgentPods("voice", "desk", 1, 1, 3)])
    metrics.api_service("v1beta1.custom.metrics.k8s.io", True)
    for tick in count():
        heartbeats.beat("voiceagents")
        if tick % 6 == 0:
            heartbeats.beat("deployments")
        metrics.reconciled("unchanged" if tick % 4 else "applied", 0.004)
        metrics.api_request("get", 200)
        if tick % 4 == 0:
            metrics.api_request("patch", 200)
        await asyncio.sleep(_FEED_S)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
