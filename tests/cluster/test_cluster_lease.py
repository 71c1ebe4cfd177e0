"""Leader election between processes on a real API server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster.cluster import Cluster, eventually
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import LEASE, Json

CANDIDATE = """
import asyncio, signal, sys
from pathlib import Path
from voiceagent_operator.kube.api import ApiServer, find_cluster
from voiceagent_operator.leader.lease import Leadership

async def work():
    print("leads", flush=True)
    await asyncio.Event().wait()

async def main(kubeconfig, namespace, identity):
    api = ApiServer(await find_cluster(Path(kubeconfig)))
    task = asyncio.ensure_future(Leadership(api, namespace, "operator", identity).lead(work))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait((task,))
    await api.aclose()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def start(cluster: Cluster, namespace: str) -> Iterator["Start"]:
    with ExitStack() as stack:
        yield Start(cluster, namespace, stack)


class Start:
    """Starts candidates; those that still live are killed in the end."""

    def __init__(self, cluster: Cluster, namespace: str, stack: ExitStack) -> None:
        self._kubeconfig, self._namespace, self._stack = cluster.kubeconfig, namespace, stack

    def __call__(self, identity: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", CANDIDATE, str(self._kubeconfig), self._namespace, identity],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.DEVNULL,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


async def holder(api: ApiServer, namespace: str) -> str:
    leases: Json = await api.get(LEASE.path(namespace))
    return str(leases["items"][0]["spec"].get("holderIdentity", "")) if leases["items"] else ""


async def until_led_by(api: ApiServer, namespace: str, identity: str, within_s: float) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while await holder(api, namespace) != identity:
        assert loop.time() - began_s < within_s, f"{identity} does not lead after {within_s} s"
        await asyncio.sleep(0.05)


async def test_a_killed_leader_is_replaced_within_15_s(
    api: ApiServer, namespace: str, start: Start
) -> None:
    first = start("first")
    await until_led_by(api, namespace, "first", 10)
    start("second")
    await asyncio.sleep(5)
    first.send_signal(signal.SIGKILL)
    await until_led_by(api, namespace, "second", 15)


async def test_a_leader_that_is_told_to_stop_hands_over_within_3_s(
    api: ApiServer, namespace: str, start: Start
) -> None:
    first = start("first")
    await until_led_by(api, namespace, "first", 10)
    start("second")
    await asyncio.sleep(3)
    first.terminate()
    await until_led_by(api, namespace, "second", 3)
    await eventually(lambda: first.poll() == 0, 3)


async def test_a_restart_of_the_api_server_leaves_one_leader(
    cluster: Cluster, api: ApiServer, namespace: str, start: Start
) -> None:
    processes = {name: start(name) for name in ("first", "second")}
    await asyncio.sleep(5)
    await asyncio.to_thread(cluster.restart_api_server)
    await asyncio.sleep(15)
    alive = [name for name, process in processes.items() if process.poll() is None]
    assert await holder(api, namespace) in alive
