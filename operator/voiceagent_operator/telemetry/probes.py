"""HTTP of one replica: liveness and readiness for Kubernetes, metrics for Prometheus.

A replica is live while each of its watches has received something from the API server within
`DEAD_AFTER_S`; any answer proves that the event loop runs. It is ready if it is live and waits for
nothing. A standby replica serves the metrics API as the leader does, and has no watches.
"""

from typing import Final

from aiohttp import web

from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.metrics import OperatorMetrics

DEAD_AFTER_S: Final = 300.0
"""A healthy watch receives something at least every 90 s, and reconnects at least every 30 s.
If the API server is down for longer, the operator is restarted, which is harmless: calls continue
without the operator."""
MAX_BODY_BYTES: Final = 4096
"""No request here needs a body."""


def make_app(
    metrics: OperatorMetrics, heartbeats: Heartbeats, readiness: Readiness
) -> web.Application:
    """`/livez`, `/readyz` and `/metrics`."""

    async def health(request: web.Request) -> web.Response:
        silent = sorted(
            f"{watch} for {silent_s:.0f} s"
            for watch, silent_s in heartbeats.silent_s().items()
            if silent_s > DEAD_AFTER_S
        )
        if silent:
            text = f"no event received by the watch of {'; '.join(silent)}"
            return web.Response(status=503, text=text)
        return web.Response(text="ok")

    async def ready(request: web.Request) -> web.Response:
        if readiness.waits_for:
            return web.Response(status=503, text=readiness.waits_for)
        return await health(request)

    async def page(request: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [web.get("/livez", health), web.get("/readyz", ready), web.get("/metrics", page)]
    )
    return app
