"""The operator as a process beside the cluster, and agents to give it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from asterisk.world import free_port
from cluster.images import PULL_POLICY
from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.kube.errors import NotFoundError
from voiceagent_operator.kube.kinds import VOICE_AGENT, Json, Kind

MEDIA_IMAGE = "localhost/interject-media:none"
"""An image that no node has: for cases that need no pod to run."""
STARTS_WITHIN_S = 30.0

T = TypeVar("T")


async def until(
    what: str, ask: Callable[[], Awaitable[T | None]], timeout_s: float, pause_s: float = 0.1
) -> T:
    """The first answer that is neither None nor False; AssertionError that says what never came."""
    try:
        async with asyncio.timeout(timeout_s):
            while not (found := await ask()):
                await asyncio.sleep(pause_s)
            return found
    except TimeoutError:
        raise AssertionError(f"after {timeout_s:.0f} s: not {what}") from None


class OperatorProcess:
    """One replica, started by `operator_running` or by hand.

    Args:
        arguments: more options of `interject-operator run`.
    """

    def __init__(
        self, kubeconfig: Path, namespace: str, log: Path, *arguments: str, image: str = MEDIA_IMAGE
    ) -> None:
        self.probe_port = free_port()
        self.log = log
        self._command = [
            *(sys.executable, "-m", "voiceagent_operator", "run", "-v"),
            *("--kubeconfig", str(kubeconfig)),
            *("--media-image", image),
            *("--pull-policy", PULL_POLICY),
            *("--lease-namespace", namespace),
            *("--probe-port", str(self.probe_port)),
            *arguments,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it leads once it has the lease."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"}
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it without a word, as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> int:
        """End it as a kubelet does; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its pages; 0 while it does not answer."""
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.probe_port}{path}") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def metric(self, name: str) -> float:
        """The sum of a metric's samples whose line begins with `name`; 0 without any."""
        _, page = await self.get("/metrics")
        lines = [line for line in page.splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    async def until_leader(self, timeout_s: float = STARTS_WITHIN_S) -> None:
        """Until it leads."""

        async def leads() -> bool:
            return await self.metric("interject_operator_leader ") == 1

        await until(f"the leader; see {self.log}", leads, timeout_s)

    def memory_mb(self) -> float:
        """Its resident memory, in MB of 10**6 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) * 1024 / 1e6

    def cpu_s(self) -> float:
        """CPU time that it has used, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def operator_running(
    kubeconfig: Path, namespace: str, folder: Path, *arguments: str, image: str = MEDIA_IMAGE
) -> AsyncIterator[OperatorProcess]:
    """One replica that leads, watching `namespace` alone; it has to stop cleanly."""
    log = folder / "operator.log"
    process = OperatorProcess(
        kubeconfig, namespace, log, "--namespace", namespace, *arguments, image=image
    )
    process.start()
    try:
        await process.until_leader()
        yield process
    except BaseException:
        if process.running:
            process.kill()
        sys.stderr.write(log.read_text()[-6000:])
        raise
    assert process.running, log.read_text()[-3000:]
    assert process.stop() == 0
    assert "Traceback" not in log.read_text()


@asynccontextmanager
async def api_server(kubeconfig: Path) -> AsyncIterator[ApiServer]:
    """The API server, as the cluster's administrator."""
    api = ApiServer(await find_cluster(kubeconfig))
    try:
        yield api
    finally:
        await api.aclose()


def voice_agent(namespace: str, name: str = "reception", /, **spec: Any) -> Json:
    """A VoiceAgent with the parcel desk, and `spec` laid over it."""
    body = VOICE_AGENT.head(namespace, name)
    return body | {"spec": {"dialogue": {"kind": "parcelDesk"}, **spec}}


async def create(api: ApiServer, body: Json) -> Json:
    """Make a VoiceAgent."""
    return await api.create(VOICE_AGENT.path(body["metadata"]["namespace"]), body)


async def change(api: ApiServer, namespace: str, name: str = "reception", **spec: Any) -> Json:
    """Merge `spec` into a VoiceAgent's."""
    return await api.merge(VOICE_AGENT.path(namespace, name), {"spec": spec})


async def find(api: ApiServer, kind: Kind, namespace: str, name: str) -> Json | None:
    """An object, None if it is not there."""
    try:
        return await api.get(kind.path(namespace, name))
    except NotFoundError:
        return None


async def items(api: ApiServer, kind: Kind, namespace: str, selector: str = "") -> list[Json]:
    """The objects of a kind."""
    params = {"labelSelector": selector} if selector else {}
    found: list[Json] = (await api.get(kind.path(namespace), params))["items"]
    return found


async def condition(
    api: ApiServer, namespace: str, kind: str, name: str = "reception"
) -> tuple[str, str, str]:
    """Status, reason and message of a condition; empty texts before there is one."""
    found = await api.get(VOICE_AGENT.path(namespace, name))
    for each in found.get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each["reason"], each["message"]
    return "", "", ""


async def until_condition(
    api: ApiServer,
    namespace: str,
    kind: str,
    reason: str,
    timeout_s: float = 15.0,
    name: str = "reception",
) -> str:
    """The message of a condition once it has `reason`."""

    async def there() -> str | None:
        _, found, message = await condition(api, namespace, kind, name)
        return message if found == reason else None

    return await until(f"{kind} for {reason}", there, timeout_s)
