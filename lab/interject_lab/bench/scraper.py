"""Who reads the HTTP API of the tick bench's pod: `python -m interject_lab.bench.scraper PORT CPU`.

Reads the metrics page, as Prometheus asks for it, and the list of calls, each `HZ` times a second,
until standard input ends. Real clients do so every few seconds: each read that holds up a tick is
met often enough here to be seen in a few seconds.
"""

import asyncio
import os
import sys
from contextlib import suppress
from typing import Final

import aiohttp

HZ: Final = 10
PATHS: Final = ("/metrics", "/api/calls")
ACCEPT: Final = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
_DEADLINE_S: Final = 5.0


async def scrape(port: int, until: asyncio.Event) -> None:
    """Read every path `HZ` times a second until `until` is set, or the pod is gone."""
    timeout = aiohttp.ClientTimeout(total=_DEADLINE_S)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=timeout) as session:
        while not until.is_set():
            for path in PATHS:
                with suppress(aiohttp.ClientConnectionError):
                    async with session.get(path, headers={"Accept": ACCEPT}) as answer:
                        answer.raise_for_status()
                        await answer.read()
            await asyncio.sleep(1 / HZ)


async def _run(port: int) -> None:
    until = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, until.set)
    await scrape(port, until)


def main(port: str, cpu: str) -> None:
    """Read on one core."""
    os.sched_setaffinity(0, {int(cpu)})
    asyncio.run(_run(int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
