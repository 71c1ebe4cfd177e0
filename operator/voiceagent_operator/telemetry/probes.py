"""What Kubernetes and Prometheus ask of one replica, over plain HTTP.

A replica lives as long as each of its watches has heard from the API server lately; that the event
loop runs is proved by any answer at all. It is ready when it lives and waits for nothing: one that
stands by serves the metrics API as the leader does, and has no watches that could fall silent.
"""

from typing import Final

from aiohttp import web

from voiceagent_operator.telemetry.health import Heartbeats, Readiness
from voiceagent_operator.telemetry.metrics import OperatorMetrics

DEAD_AFTER_S: Final = 300.0
"""A watch that is well is heard of every 90 s, and tries again at least every 30 s when it is not.
An API server that is away for longer than this takes a restart of the operator with it, which does
no harm: calls go on without the operator."""
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
            text = f"nothing was heard of the watch of {'; '.join(silent)}"
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
