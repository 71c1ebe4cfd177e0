"""Calls whose pod is reached over IPv6: HTTP and AudioSocket, through the real dialplan."""

import socket
from pathlib import Path
from typing import Any

import pytest

from asterisk.callers import agent, line, silent
from asterisk.world import free_port, world


def no_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return False
    except OSError:
        return True


pytestmark = pytest.mark.skipif(no_ipv6(), reason="no IPv6 loopback address on this machine")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ({}, {}),
        ({}, {"dialplan": "seed"}),
        ({"line": {"rateHz": 16000}}, {"rateHz": 16000}),
    ],
    ids=["AudioSocket", "seed", "16 kHz"],
)
async def test_a_caller_hears_a_pod_that_is_reached_over_ipv6(
    tree: Path, tmp_path: Path, spec: dict[str, Any], values: dict[str, Any]
) -> None:
    http, media = free_port(), free_port()
    ports = {"httpPort": http, "audioSocketPort": media, "webSocketPort": free_port()}
    pod = agent(server={"bindHost": "::", **ports}, **spec)
    if values.get("dialplan") == "seed":
        values = {**values, "audioSocket": f"[::1]:{media}"}
    dialplan = [{"name": "agent", "extensions": ["100"], "api": [f"[::1]:{http}"], **values}]
    async with world(tree, tmp_path, [pod], dialplan=dialplan) as there:
        called = await there.call(there.phone(line(), silent(), max_s=4), "100")
        await there.until_no_call()
        page = there.pod_log()

    assert called.call.ended == "the caller hung up"
    assert called.call.rtp.last_sound_ns() is not None
    assert "connected from [::1]:" in page


@pytest.mark.timeout(60)
async def test_asterisk_s_websocket_client_takes_no_ipv6_address(
    tree: Path, tmp_path: Path
) -> None:
    """A limit of Asterisk 22.10 that docs/how-to/asterisk.md names: once this fails, it is gone."""
    http = free_port()
    pod = agent(server={"bindHost": "::", "httpPort": http}, line={"transport": "webSocket"})
    webs = {"transport": "webSocket", "api": [f"[::1]:{http}"]}
    dialplan = [{"name": "agent", "extensions": ["100"], **webs}]
    async with world(tree, tmp_path, [pod], dialplan=dialplan) as there:
        called = await there.call(there.phone(line(), silent(), max_s=4), "100")
        await there.until_no_call()

    assert called.call.ended == "the bot hung up"
    assert "WebSocket connection failed to [::1]:" in there.asterisk.log
