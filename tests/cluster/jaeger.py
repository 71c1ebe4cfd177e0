"""A real Jaeger: traces go in by OTLP, and are asked for by a call's UUID."""

import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from cluster.kubernetes_scripts import CannotBeHadError, script
from interject_lab.reports.trace import Span, spans_of

START_S: Final = 20.0
ANSWER_S: Final = 5.0
STOP_S: Final = 10.0
LOOK_S: Final = 0.1
MOST_TRACES: Final = 10_000
"""Kept in memory; the oldest is dropped first."""
OWN: Final = "127.0.0.1:0"
"""For ports that nobody asks for."""


@pytest.fixture(scope="session")
def jaeger_program() -> Path:
    """Jaeger's program, built first if it has to be; whoever asks for it gives it ten minutes."""
    try:
        return Path(script("../get_jaeger.py"))
    except CannotBeHadError as error:
        pytest.skip(f"no Jaeger: {error}")


class Jaeger:
    """Jaeger as one process, its traces in memory.

    Args:
        program: of Jaeger.
        log: a file for what it says.
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
        self.query = f"http://{address}:{query_port}"
        """Of its HTTP API."""
        self._otlp_address = (address, otlp_port)
        self._log = log
        command = [
            str(program),
            f"--collector.otlp.http.host-port={address}:{otlp_port}",
            f"--query.http-server.host-port={address}:{query_port}",
            f"--memory.max-traces={MOST_TRACES}",
            *(
                f"--{server}.host-port={OWN}"
                for server in ("admin.http", "collector.otlp.grpc", "collector.grpc-server",
                               "collector.http-server", "query.grpc-server")
            ),
        ]  # fmt: skip
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def __enter__(self) -> Self:
        """Returns when it takes traces and answers."""
        deadline = time.monotonic() + START_S
        while not self._serves():
            ended = self._process.poll()
            assert ended is None, f"Jaeger ended with {ended}: {self._last_words()}"
            assert time.monotonic() < deadline, f"Jaeger does not serve: {self._last_words()}"
            time.sleep(LOOK_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; its traces are gone. May be called again."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
            return
        self._process.kill()
        self._process.wait()

    def trace(self, uuid: str, service: str = "interject") -> list[Span]:
        """The spans so far of the trace with the call `uuid`, by when they began; none if there is
        no such call."""
        tags = json.dumps({"gen_ai.conversation.id": uuid})
        found = self._ask("traces", {"service": service, "tags": tags, "limit": "20"})
        return spans_of(found[0]) if found else []

    def trace_with(
        self, uuid: str, names: Sequence[str], within_s: float, service: str = "interject"
    ) -> list[Span]:
        """As `trace`, once it has spans of all these names; fails the test if it has not in time.

        Pods send what has ended every five seconds.
        """
        deadline = time.monotonic() + within_s
        while True:
            spans = self.trace(uuid, service)
            has = {span.name for span in spans}
            if set(names) <= has:
                return spans
            assert time.monotonic() < deadline, f"call {uuid}: its trace has only {sorted(has)}"
            time.sleep(LOOK_S)

    def _serves(self) -> bool:
        with suppress(OSError):
            self._ask("services", {})
            with socket.create_connection(self._otlp_address, ANSWER_S):
                return True
        return False

    def _ask(self, what: str, query: Mapping[str, str]) -> list[Any]:
        with urlopen(f"{self.query}/api/{what}?{urlencode(query)}", timeout=ANSWER_S) as answer:
            found: list[Any] = json.load(answer)["data"] or []
            return found

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-500:]


def _free(address: str) -> int:
    """A port of `address` that is free now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
