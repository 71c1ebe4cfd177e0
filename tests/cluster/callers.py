"""Telephones that call agents in the cluster by the address that is published for them."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import aiohttp
import numpy as np

from cluster.cluster import Cluster
from cluster.operators import find, until
from interject_lab.call_record import CallRecord
from interject_lab.network.line import DelayStep, TelephoneLine
from interject_lab.network.paths import PATHS
from interject_lab.telephones.caller import Caller
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.phone import Phone, ask_call_start
from media_pod.providers.builtin.espeak import synthesize
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import SERVICE, Json

RATE_HZ = 8000
_ASK = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=2)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(), sep="\\n", end="")
"""
REPEATING = {
    "kind": "scripted",
    "script": [{"say": "This goes on and on, for as long as you like to listen.", "pauseMs": 300}],
    "atEnd": "repeat",
}


@dataclass(slots=True)
class Answered:
    """A call, and where it was taken."""

    uuid: UUID
    host: str
    record: CallRecord


async def service_address(api: ApiServer, namespace: str, name: str = "reception") -> str:
    """The API's address that the operator publishes, as the machine can reach it: by number."""
    service = await find(api, SERVICE, namespace, name)
    assert service is not None
    (port,) = service["spec"]["ports"]
    host = service["spec"]["clusterIP"]

    async def answers() -> bool:
        return (await ask(host, "/readyz", port["port"]))[0] == 200

    # A node learns of a Service's ready pods a moment after everybody else.
    await until("the Service answering", answers, 10)
    return f"http://{host}:{port['port']}"


async def call(
    address: str,
    seconds: float,
    *,
    caller: Caller | None = None,
    keys: Sequence[Dtmf] = (),
    taken: Callable[[str], None] = lambda host: None,
) -> Answered:
    """Call for `seconds`, or until the bot hangs up.

    Args:
        caller: who listens if not given.
        keys: that the caller presses.
        taken: called with the address of the pod that took the call.
    """
    uuid = uuid4()
    host, port = await ask_call_start(address, uuid, from_number="5550100", to_number="100")
    taken(host)
    rng = np.random.default_rng(1)
    (speech,) = synthesize("Echo is set by this.", RATE_HZ, "en-us")[:1]
    line = TelephoneLine(
        RATE_HZ,
        PATHS["hybrid"](rng, RATE_HZ),
        erl_db=math.inf,
        delays=[DelayStep(0.0, 100.0)],
        bot_speech=speech.pcm,
        noise_dbfs=-70.0,
        rng=rng,
    )
    phone = Phone(line, caller or Caller([], RATE_HZ), max_s=seconds, dtmf=keys)
    return Answered(uuid, host, await phone.call(host, port, uuid))


async def reserve(host: str, http_port: int, uuid: UUID) -> bool:
    """Take a slot of one pod without calling it; False if it has none."""
    status, _ = await ask(host, f"/api/call-start?uuid={uuid}&hop=1", http_port)
    return status == 200


async def ask(host: str, path: str, http_port: int = 1650) -> tuple[int, str]:
    """Status and text of a page of one pod; 0 if it does not answer."""
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{host}:{http_port}{path}") as answer,
        ):
            return answer.status, await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return 0, ""


async def ask_inside(cluster: Cluster, pod: Json, path: str) -> tuple[int, str]:
    """As `ask`, from within the pod: what an agent without a control token answers nowhere else."""
    meta = pod["metadata"]
    place = ("exec", meta["name"], f"--namespace={meta['namespace']}", "--container=media")
    done = await asyncio.to_thread(
        cluster.run, *place, "--", "python", "-c", _ASK, f"http://127.0.0.1:1650{path}"
    )
    status, _, text = done.stdout.partition("\n")
    return (int(status), text) if done.returncode == 0 else (0, "")


def alive(pods: list[Json]) -> list[Json]:
    """Those that are not going."""
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
