"""Jaeger and Prometheus beside the cluster, while the demonstration runs."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from demo_cluster.errors import DemoError
from interject_lab.reports.trace import Span, spans_of

START_S: Final = 20.0
STOP_S: Final = 10.0
ANSWER_S: Final = 5.0
LOOK_S: Final = 0.2
SCRAPE_S: Final = 1
LAST_WORDS: Final = 500
"""Characters of what a program said before it ended."""


class Jaeger:
    """Asked at `query`; takes traces at `otlp`."""

    def __init__(self, otlp: str, query: str) -> None:
        self.otlp = otlp
        self._query = query

    def trace(self, uuid: str) -> list[Span]:
        """The spans so far of the call `uuid`, by when they began."""
        tags = json.dumps({"gen_ai.conversation.id": uuid})
        found = ask(self._query, "/api/traces", service="interject", tags=tags, limit="20")["data"]
        return spans_of(found[0]) if found else []


class Prometheus:
    """One that scrapes."""

    def __init__(self, url: str) -> None:
        self._url = url

    def now(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """What `expr` is now: labels and value of each series."""
        result = ask(self._url, "/api/v1/query", query=expr)["data"]["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]


@contextmanager
def jaeger(program: Path, address: str, log: Path) -> Iterator[Jaeger]:
    """Start it where pods reach it, and end it afterwards.

    Raises:
        DemoError: it does not start.
    """
    otlp, query = f"{address}:{_free(address)}", f"127.0.0.1:{_free('127.0.0.1')}"
    nobody = "127.0.0.1:0"
    command = [
        str(program),
        f"--collector.otlp.http.host-port={otlp}",
        f"--query.http-server.host-port={query}",
        *(
            f"--{server}.host-port={nobody}"
            for server in ("admin.http", "collector.otlp.grpc", "collector.grpc-server",
                           "collector.http-server", "query.grpc-server")
        ),
    ]  # fmt: skip
    with _process(command, log, f"http://{query}", "/api/services"):
        yield Jaeger(f"http://{otlp}", f"http://{query}")


@contextmanager
def prometheus(
    program: Path, targets: Sequence[tuple[str, str]], namespace: str, folder: Path
) -> Iterator[Prometheus]:
    """Start it on the pods' pages, and end it afterwards.

    Args:
        targets: name of the pod, and its page's host:port.
        folder: for its data and its log.

    Raises:
        DemoError: it does not start.
    """
    listen = f"127.0.0.1:{_free('127.0.0.1')}"
    config = folder / "prometheus.yml"
    static = [
        {"targets": [page], "labels": {"namespace": namespace, "pod": pod}} for pod, page in targets
    ]
    document = {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": f"{SCRAPE_S}s"},
        "scrape_configs": [{"job_name": "pods", "static_configs": static}],
    }
    config.write_text(yaml.safe_dump(document))
    command = [
        str(program), f"--config.file={config}", f"--web.listen-address={listen}",
        f"--storage.tsdb.path={folder / 'data'}", "--enable-feature=exemplar-storage",
    ]  # fmt: skip
    with _process(command, folder / "prometheus.log", f"http://{listen}", "/api/v1/labels"):
        yield Prometheus(f"http://{listen}")


def ask(url: str, path: str, **query: str) -> dict[str, Any]:
    """A server's answer.

    Raises:
        DemoError: there is none.
    """
    try:
        with urlopen(f"{url}{path}?{urlencode(query)}", timeout=ANSWER_S) as answer:  # noqa: S310 - ours
            found: dict[str, Any] = json.load(answer)
            return found
    except (URLError, TimeoutError, ConnectionError) as error:
        raise DemoError(f"{url}{path}: {error}") from error


@contextmanager
def _process(command: Sequence[str], log: Path, url: str, path: str) -> Iterator[None]:
    with log.open("wb") as said:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(url, path):
            if running.poll() is not None or time.monotonic() > deadline:
                words = log.read_text(errors="replace")[-LAST_WORDS:].strip()
                raise DemoError(f"{Path(command[0]).name} does not start: {words}")
            time.sleep(LOOK_S)
        yield
    finally:
        running.terminate()
        try:
            running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _answers(url: str, path: str) -> bool:
    try:
        ask(url, path)
    except DemoError:
        return False
    return True


def _free(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
