"""The server that most tests of this folder talk to."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from providers.openai.scripted_server import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """On a free port of the loopback interface."""
    scripted = ScriptedServer()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield scripted
    await runner.cleanup()
