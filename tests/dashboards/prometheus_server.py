"""A real Prometheus for the dashboards and alerts."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import yaml
from asterisk.world import free_port

SCRIPTS: Final = Path(__file__).resolve().parents[2] / "scripts"
FETCH_S: Final = 900.0
START_S: Final = 20.0
STOP_S: Final = 10.0
ASK_S: Final = 30.0
UNAVAILABLE: Final = 3
_POLL_S: Final = 0.1


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The folder with prometheus and promtool; skips if the Debian archive is not available."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / "get_prometheus.py"],
        capture_output=True, text=True, check=False, timeout=FETCH_S,
    )  # fmt: skip
    last = done.stderr.strip().splitlines()[-1:]
    if done.returncode == UNAVAILABLE:
        pytest.skip("".join(last))
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()) / "usr" / "bin"


@dataclass(frozen=True)
class Target:
    """A scrape target with the labels of Kubernetes service discovery."""

    address: str
    """host:port of /metrics."""
    namespace: str
    pod: str


class PrometheusServer:
    """A running Prometheus.

    Args:
        url: of its API.
        http: for questions to it.
    """

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def ask(self, path: str, **query: str) -> Any:
        """The data of an API response; asserts success."""
        async with self._http.get(f"{self._url}/api/v1/{path}", params=query) as answer:
            document = await answer.json()
        assert document["status"] == "success", f"{query}: {document.get('error')}"
        assert not document.get("warnings"), document["warnings"]
        return document["data"]

    async def until_up(self, targets: int) -> None:
        """Wait until `targets` targets have been scraped; a new target takes a few seconds."""
        async with asyncio.timeout(START_S):
            while not (await self.ask("query", query=f"count(up == 1) == {targets}"))["result"]:
                await asyncio.sleep(_POLL_S)

    async def series(
        self, expr: str, start_s: float, end_s: float, step_s: float = 1.0
    ) -> list[dict[str, Any]]:
        """Range query between two Unix times: `metric` and `values` of each series."""
        data = await self.ask(
            "query_range", query=expr, start=str(start_s), end=str(end_s), step=str(step_s)
        )
        return list(data["result"])


@asynccontextmanager
async def prometheus_server(
    programs: Path, folder: Path, targets: Sequence[Target], rules: Path
) -> AsyncIterator[PrometheusServer]:
    """Run a Prometheus that scrapes every second.

    Args:
        programs: the folder of `prometheus`.
        folder: an empty one.
        targets: what it scrapes.
        rules: a file of rules, evaluated every second.
    """
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_configuration(targets, rules)))
    listen = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            programs / "prometheus", f"--config.file={config}", f"--web.listen-address={listen}",
            f"--storage.tsdb.path={folder / 'data'}", "--enable-feature=exemplar-storage",
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        timeout = aiohttp.ClientTimeout(total=ASK_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            await _ready(http, f"http://{listen}/-/ready", process, folder / "log")
            yield PrometheusServer(f"http://{listen}", http)
    finally:
        await _stop(process)


def _configuration(targets: Sequence[Target], rules: Path) -> Mapping[str, Any]:
    discovered = [
        {
            "targets": [target.address],
            "labels": {
                "__meta_kubernetes_namespace": target.namespace,
                "__meta_kubernetes_pod_name": target.pod,
            },
        }
        for target in targets
    ]
    relabel = [
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
    ]
    return {
        "global": {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
        },
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": "pods", "static_configs": discovered, "relabel_configs": relabel}
        ],
    }


async def _ready(
    http: aiohttp.ClientSession, url: str, process: asyncio.subprocess.Process, log: Path
) -> None:
    async with asyncio.timeout(START_S):
        while True:
            assert process.returncode is None, f"it did not start; see {log}"
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(_POLL_S)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
