"""Jaeger and Prometheus, each one process while a context lasts, for tests and the demonstration.

Traces go into Jaeger by OTLP, and are looked up by a call's UUID. Prometheus scrapes pods' pages
once a second, and labels them as its discovery of Kubernetes does.
"""

import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from interject_lab.reports.trace import Span, spans_of
from rig.console import RigError

START_S: Final = 20.0
STOP_S: Final = 10.0
ANSWER_S: Final = 30.0
POLL_S: Final = 0.1
LAST_WORDS: Final = 500
"""Characters of the log of a program that does not start."""
MOST_TRACES: Final = 10_000
"""That Jaeger keeps in memory; the oldest is dropped first."""
UNUSED: Final = "127.0.0.1:0"
"""For ports that no client uses."""
SCRAPE: Final = "1s"


class _Server:
    """A program that answers HTTP at `url` while the context lasts.

    Args:
        command: that starts it.
        log: a file for its output.
        url: of its API.
        probe: a path that it answers when it is ready.

    Raises:
        RigError: it does not start.
    """

    def __init__(self, command: Sequence[str], log: Path, url: str, probe: str) -> None:
        self.url = url
        self._log, self._probe, self._name = log, probe, Path(command[0]).name
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def __enter__(self) -> Self:
        """Returns when it answers."""
        deadline = time.monotonic() + START_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                words = self._log.read_text(errors="replace")[-LAST_WORDS:].strip()
                raise RigError(f"{self._name} does not start: {words}")
            time.sleep(POLL_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; its data is gone. May be called again."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        with suppress(OSError), urlopen(f"{self.url}{self._probe}", timeout=ANSWER_S):
            return True
        return False

    def _get(self, path: str, query: Mapping[str, str]) -> Any:
        """The `data` of an answer.

        Raises:
            RigError: there is none.
        """
        url = f"{self.url}{path}?{urlencode(query)}"
        try:
            with urlopen(url, timeout=ANSWER_S) as answer:
                document = json.load(answer)
        except HTTPError as error:
            raise RigError(f"{url}: {error.read().decode(errors='replace')}") from error
        except (URLError, TimeoutError, ConnectionError) as error:
            raise RigError(f"{url}: {error}") from error
        if document.get("warnings"):
            raise RigError(f"{url}: {document['warnings']}")
        return document["data"]


class Jaeger(_Server):
    """Jaeger, its traces in memory.

    Args:
        program: of Jaeger.
        log: a file for its output.
        address: to listen on.
        otlp_port, query_port: 0 for free ones.
    """

    def __init__(
        self,
        program: Path,
        log: Path,
        address: str = "127.0.0.1",
        otlp_port: int = 0,
        query_port: int = 0,
    ) -> None:
        otlp_port, query_port = otlp_port or _free(address), query_port or _free(address)
        self.otlp = f"http://{address}:{otlp_port}"
        """For spec.telemetry.otlpEndpoint and OTEL_EXPORTER_OTLP_ENDPOINT."""
        self._otlp_address = (address, otlp_port)
        command = [
            str(program),
            f"--collector.otlp.http.host-port={address}:{otlp_port}",
            f"--query.http-server.host-port={address}:{query_port}",
            f"--memory.max-traces={MOST_TRACES}",
            *(
                f"--{server}.host-port={UNUSED}"
                for server in ("admin.http", "collector.otlp.grpc", "collector.grpc-server",
                               "collector.http-server", "query.grpc-server")
            ),
        ]  # fmt: skip
        super().__init__(command, log, f"http://{address}:{query_port}", "/api/services")

    @property
    def query(self) -> str:
        """The address of its HTTP API."""
        return self.url

    def trace(self, uuid: str, service: str = "interject") -> list[Span]:
        """The spans so far of the call `uuid`, by when they began; none of an unknown call."""
        tags = json.dumps({"gen_ai.conversation.id": uuid})
        found = self._get("/api/traces", {"service": service, "tags": tags, "limit": "20"})
        return spans_of(found[0]) if found else []

    def trace_with(
        self, uuid: str, names: Sequence[str], within_s: float, service: str = "interject"
    ) -> list[Span]:
        """As `trace`, once it has spans of all these names; AssertionError if it has not in time.

        Pods send what has ended every five seconds.
        """
        deadline = time.monotonic() + within_s
        while True:
            spans = self.trace(uuid, service)
            has = {span.name for span in spans}
            if set(names) <= has:
                return spans
            assert time.monotonic() < deadline, f"call {uuid}: its trace has only {sorted(has)}"
            time.sleep(POLL_S)

    def _ready(self) -> bool:
        if super()._ready():
            with suppress(OSError), socket.create_connection(self._otlp_address, ANSWER_S):
                return True
        return False


@dataclass(frozen=True)
class Target:
    """A page to scrape, as Prometheus' discovery of Kubernetes describes it."""

    address: str
    """host:port of /metrics."""
    namespace: str
    pod: str


class Prometheus(_Server):
    """Prometheus on pods' pages.

    Args:
        programs: the folder of `prometheus`.
        folder: for its data and its log.
        targets: what it scrapes, once a second.
        rules: a file of rules, evaluated once a second.
    """

    def __init__(
        self, programs: Path, folder: Path, targets: Sequence[Target], rules: Path | None = None
    ) -> None:
        listen, config = f"127.0.0.1:{_free('127.0.0.1')}", folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(_configuration(targets, rules)))
        command = [
            str(programs / "prometheus"), f"--config.file={config}",
            f"--web.listen-address={listen}", f"--storage.tsdb.path={folder / 'data'}",
            "--enable-feature=exemplar-storage",
        ]  # fmt: skip
        super().__init__(command, folder / "log", f"http://{listen}", "/-/ready")

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer of its API.

        Raises:
            RigError: it answers with an error or a warning, or not at all.
        """
        return self._get(f"/api/v1/{path}", query)

    def now(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """What `expr` is now: labels and value of each series."""
        result = self.ask("query", query=expr)["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def series(
        self, expr: str, start_s: float, end_s: float, step_s: float = 1.0
    ) -> list[dict[str, Any]]:
        """What `expr` was between two times, Unix seconds: `metric` and `values` of each series."""
        data = self.ask(
            "query_range", query=expr, start=str(start_s), end=str(end_s), step=str(step_s)
        )
        return list(data["result"])


def _configuration(targets: Sequence[Target], rules: Path | None) -> Mapping[str, Any]:
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
    intervals = ("scrape_interval", "scrape_timeout", "evaluation_interval")
    return {
        "global": dict.fromkeys(intervals, SCRAPE),
        "rule_files": [] if rules is None else [str(rules)],
        "scrape_configs": [
            {"job_name": "pods", "static_configs": discovered, "relabel_configs": relabel}
        ],
    }


def _free(address: str) -> int:
    """A port of `address` that is free now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
