"""What Prometheus reads from Asterisk during a call, and what its page does not serve."""

import asyncio
import re
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from asterisk.callers import agent, line, silent
from asterisk.world import free_port, world

HOST: Final = "http://127.0.0.1"
UPGRADE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "echo",
}
OTHERS: Final = (
    "/", "/httpstatus", "/static/index.html", "/ari/channels", "/manager", "/phoneprov/x",
    "/ws", "/ws/", "/WS", "/wS/", "/%77s", "//ws", "/media", "/media/x", "/MEDIA/x", "/Media/x",
)  # fmt: skip


async def test_a_call_is_counted_and_nothing_but_metrics_can_be_asked_for(
    tree: Path, tmp_path: Path
) -> None:
    port = free_port()
    wide = {"name": "agent", "extensions": ["100"], "transport": "webSocket"}
    bot = agent(line={"transport": "webSocket"})
    async with world(tree, tmp_path, [bot], dialplan=[wide], metricsPort=port) as there:
        phone = there.phone(line(), silent(), max_s=20)
        calling = asyncio.create_task(there.call(phone, "100"))
        await there.until_turn("greeting")
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{HOST}:{port}/metrics") as answer:
                assert answer.content_type == "text/plain"
                during = await answer.text()
            opened = {path: await status(http, f"{HOST}:{port}{path}") for path in OTHERS}
            phone.hang_up()
            await calling
            await there.until_no_call()
            async with http.get(f"{HOST}:{port}/metrics") as answer:
                after = await answer.text()

    assert value(during, "asterisk_calls_count") == 1
    assert value(during, "asterisk_channels_count") == 2
    assert value(during, "asterisk_bridges_count") == 1
    assert value(during, "asterisk_endpoints_channels_count", 'resource="p0"') == 1
    assert value(after, "asterisk_calls_count") == 0
    assert value(after, "asterisk_calls_sum") == 1
    assert set(opened.values()) <= {403, 404}, opened
    assert not [said for said in there.asterisk.complaints if "conf'" in said]


async def status(http: aiohttp.ClientSession, url: str) -> int:
    """Of an attempt to speak WebSocket with that page."""
    async with http.get(URL(url, encoded=True), headers=UPGRADE, allow_redirects=False) as answer:
        return answer.status


def value(page: str, name: str, label: str = "") -> float:
    """Of the one series of that name with that label."""
    (found,) = re.findall(rf"^{name}{{[^}}]*{label}[^}}]*}} (\S+)$", page, re.MULTILINE)
    return float(found)
