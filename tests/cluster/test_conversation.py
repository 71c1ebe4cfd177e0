"""An agent with a language model, deployed as a new user does it, with a model server beside it."""

import asyncio
import time
from functools import partial
from typing import Final

import pytest

from cluster.callers import alive, ask, ask_inside, call, service_address
from cluster.cluster import Cluster
from cluster.measured import Measured
from cluster.model_server import ModelServer
from cluster.operators import OperatorProcess, change, items, until, until_condition
from cluster.product import is_ready
from cluster.receptionist import (
    AGENT,
    ANSWER_HZ,
    SPEAKS,
    TRANSFER_HZ,
    asks_for_the_price,
    heard_s,
    make_secret,
    models,
    receptionist,
)
from interject_lab.telephones.handset import Dtmf
from media_pod.manifest.secrets import MOUNT_PATH
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import POD, Json

__all__ = ["models"]

pytestmark = pytest.mark.usefixtures("node")

READY_S: Final = 60.0
MOUNT_S: Final = 60.0
"""See test_operator_causes.py."""
UPDATED_S: Final = 150.0
"""Of a mounted Secret: the kubelet's period of one minute, and the age of what it has cached."""


async def pods_of(api: ApiServer, namespace: str) -> list[Json]:
    """Those that are not going."""
    return alive(await items(api, POD, namespace, f"{names.AGENT}={AGENT}"))


async def ready_pod(api: ApiServer, namespace: str) -> Json:
    """The agent's only pod, once it answers."""

    async def there() -> Json | None:
        pods = await pods_of(api, namespace)
        return pods[0] if len(pods) == 1 and is_ready(pods[0]) else None

    return await until("one pod ready", there, READY_S, pause_s=0.3)


@pytest.mark.core
@pytest.mark.timeout(180)
async def test_the_receptionist_says_what_it_lacks_then_answers_and_transfers(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    models: ModelServer,
    measured: Measured,
) -> None:
    cluster.apply(receptionist(namespace, models, image=media_image))
    message = await until_condition(api, namespace, "Degraded", "SecretMissing", MOUNT_S, AGENT)
    assert 'secret "openai" not found; create it in the agent\'s namespace' in message

    make_secret(cluster, namespace, "sk-first")
    began = time.monotonic()
    await until_condition(api, namespace, "Ready", "PodsReady", MOUNT_S, AGENT)
    took_s = time.monotonic() - began
    measured.row("a language model", "missing Secret created, to Ready", f"{took_s:.1f} s")

    address = await service_address(api, namespace, AGENT)
    keys = [Dtmf(9.0, "1"), Dtmf(9.2, "#")]
    answered = await call(address, 25.0, caller=asks_for_the_price(), keys=keys)
    record = answered.record
    assert heard_s(record, ANSWER_HZ) > 0.5
    assert heard_s(record, TRANSFER_HZ) > 0.5
    assert record.ended == "the bot hung up"
    assert await ask(answered.host, f"/api/call-next?uuid={answered.uuid}&st=SUCCESS") == (
        200,
        "goto interject-phones,601,1",
    )
    spoken = " ".join(each.body["input"] for each in models.asked if "input" in each.body)
    assert "Harbour Bikes, good day." in spoken
    assert {each.key for each in models.asked} == {"sk-first"}
    assert models.rejected == []


@pytest.mark.timeout(UPDATED_S + 180)
async def test_a_key_that_is_replaced_is_used_by_running_pods(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    models: ModelServer,
    measured: Measured,
) -> None:
    make_secret(cluster, namespace, "sk-first")
    cluster.apply(receptionist(namespace, models, image=media_image))
    before = await ready_pod(api, namespace)
    address = await service_address(api, namespace, AGENT)

    began = time.monotonic()
    cluster.run("delete", "secret", "openai", "-n", namespace)
    make_secret(cluster, namespace, "sk-second")
    mounted = partial(_mounted_key, cluster, before)

    async def updated() -> bool:
        return await asyncio.to_thread(mounted) == "sk-second"

    await until("the mounted key updated", updated, UPDATED_S, pause_s=1.0)
    took_s = time.monotonic() - began
    measured.row("a language model", "Secret changed, to the pod's file", f"{took_s:.0f} s")

    models.keys = {"sk-second"}
    models.asked.clear()
    answered = await call(address, 9.0, caller=asks_for_the_price())
    assert heard_s(answered.record, ANSWER_HZ) > 0.5
    assert models.rejected == ["sk-first"] * len(SPEAKS), "one rejection for each of the providers"
    after = await ready_pod(api, namespace)
    assert after["metadata"]["name"] == before["metadata"]["name"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 0


def _mounted_key(cluster: Cluster, pod: Json) -> str:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    path = f"{MOUNT_PATH}/openai/api-key"
    return cluster.run("exec", name, "-n", namespace, "--", "cat", path).stdout


@pytest.mark.timeout(240)
async def test_new_instructions_reach_new_calls_and_a_new_model_cuts_no_call(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    models: ModelServer,
    measured: Measured,
) -> None:
    make_secret(cluster, namespace, "sk-first")
    cluster.apply(receptionist(namespace, models, image=media_image))
    old = await ready_pod(api, namespace)
    host = old["status"]["podIP"]
    address = await service_address(api, namespace, AGENT)

    _, shown = await ask_inside(cluster, old, "/api/calls")
    patient = {"silencePrompts": 20}  # the caller of the long call says nothing more
    await change(api, namespace, AGENT, instructions="You sell bells.", limits=patient)

    async def reloaded() -> bool:
        return (await ask_inside(cluster, old, "/api/calls"))[1] not in ("", shown)

    await until("the manifest reloaded", reloaded, 20)
    second = await call(address, 9.0, caller=asks_for_the_price())
    assert (second.host, heard_s(second.record, ANSWER_HZ) > 0.5) == (host, True)
    assert models.prompts()[-1].startswith("You sell bells.")

    calling = asyncio.create_task(call(address, 30.0, caller=asks_for_the_price()))
    await asyncio.sleep(3)
    began = time.monotonic()
    await change(api, namespace, AGENT, llm={"model": "another-model"})

    async def another() -> Json | None:
        pods = await pods_of(api, namespace)
        names_now = [pod["metadata"]["name"] for pod in pods]
        ready = all(map(is_ready, pods)) and old["metadata"]["name"] not in names_now
        return pods[0] if ready and pods else None

    new = await until("another pod instead", another, READY_S, pause_s=0.3)
    took_s = time.monotonic() - began
    measured.row("a language model", "another model, to its pod Ready alone", f"{took_s:.1f} s")
    assert not calling.done(), "the call was over before the rollout"
    third = await call(address, 9.0, caller=asks_for_the_price())
    assert third.host == new["status"]["podIP"]
    assert models.chats()[-1].body["model"] == "another-model"
    first = await calling
    assert (first.host, first.record.ended) == (host, "the caller hung up")
