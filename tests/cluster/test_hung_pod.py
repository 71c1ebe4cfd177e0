"""A media pod whose process hangs: its container is restarted, whatever its drain may last."""

import os
import signal
import time
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.measured import Measured
from cluster.operators import OperatorProcess, create, items, until, voice_agent
from cluster.product import is_ready
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import POD, Json

pytestmark = pytest.mark.usefixtures("node")

READY_S = 90.0
RESTARTED_S = 60.0
"""20 s until the probe has failed, 7 s until SIGKILL, and a start: 30 s on two busy cores."""


def processes_of(pod: Json) -> list[int]:
    """The processes of a pod's containers on this machine, without its sandbox."""
    uid = pod["metadata"]["uid"]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            groups = (folder / "cgroup").read_text()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        if (uid in groups or uid.replace("-", "_") in groups) and b"interject" in command:
            found.append(int(folder.name))
    return found


@pytest.mark.timeout(240)
async def test_a_pod_that_hangs_is_restarted(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    measured: Measured,
) -> None:
    if not cluster.own:
        pytest.skip("stops a pod's process: where pods run on this machine")
    await create(api, voice_agent(namespace, image=media_image, replicas=1))

    async def ready_again(restarts: int) -> Json | None:
        pods = await items(api, POD, namespace, f"{names.AGENT}=reception")
        for pod in pods:
            (container,) = pod["status"].get("containerStatuses") or ({"restartCount": -1},)
            if is_ready(pod) and container["restartCount"] == restarts:
                return pod
        return None

    pod = await until("the pod ready", lambda: ready_again(0), READY_S, pause_s=0.5)
    hung = processes_of(pod)
    assert hung, "the pod's process is on this machine"
    began = time.monotonic()
    for process in hung:
        os.kill(process, signal.SIGSTOP)
    again = await until("restarted", lambda: ready_again(1), RESTARTED_S, pause_s=0.5)
    took_s = time.monotonic() - began
    assert again["metadata"]["uid"] == pod["metadata"]["uid"]
    measured.row("real pods", "a process that hangs to its successor Ready", f"{took_s:.0f} s")
