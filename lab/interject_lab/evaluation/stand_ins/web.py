"""A web server on a free port of the loopback interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

MAX_BODY_BYTES: Final = 8 << 20
_STOP_S: Final = 0.5


@asynccontextmanager
async def on_loopback(app: web.Application) -> AsyncIterator[str]:
    """Serve `app` until the end of the block; gives its URL without a path."""
    runner = web.AppRunner(
        app, handler_cancellation=True, shutdown_timeout=_STOP_S, access_log=None
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
