"""Real media pods, real calls: what Kubernetes does to pods, callers do not hear."""

import asyncio
import json
import time
from functools import partial

import pytest

from cluster.callers import REPEATING, alive, ask, ask_inside, call, service_address
from cluster.cluster import Cluster
from cluster.frames import none_missing
from cluster.measured import Measured
from cluster.operators import (
    OperatorProcess,
    change,
    create,
    find,
    items,
    until,
    until_condition,
    voice_agent,
)
from cluster.product import is_ready
from interject_lab.call_record import CallRecord
from real_time.verdict import TRIES
from voiceagent_operator.agents import names
from voiceagent_operator.kube.api import ApiServer
from voiceagent_operator.kube.kinds import POD, VOICE_AGENT, Json, Kind

pytestmark = pytest.mark.usefixtures("node")

READY_S = 90.0
GONE_S = 30.0
EVICTED_CALL_S = 30.0
SELECTOR = f"{names.AGENT}=reception"
EVICTION = Kind("policy", "v1", "evictions", "Eviction")


def repeating(namespace: str, image: str, **spec: object) -> Json:
    """An agent that talks until the caller hangs up."""
    small = {"capacity": {"calls": 4, "reservationSeconds": 5}, "dialogue": REPEATING}
    return voice_agent(namespace, image=image, **{**small, **spec})


async def pods_of(api: ApiServer, namespace: str) -> list[Json]:
    return await items(api, POD, namespace, SELECTOR)


async def ready_pods(api: ApiServer, namespace: str, number: int) -> list[Json]:
    """The agent's pods, once so many answer."""

    async def there() -> list[Json]:
        found = [pod for pod in alive(await pods_of(api, namespace)) if is_ready(pod)]
        return found if len(found) == number else []

    return await until(f"{number} pods ready", there, READY_S, pause_s=0.3)


async def without_pods(api: ApiServer, namespace: str) -> None:
    """The agent is deleted, and its pods are gone."""
    await api.delete(VOICE_AGENT.path(namespace, "reception"))

    async def none_left() -> bool:
        return not await pods_of(api, namespace)

    await until("the agent's pods gone", none_left, GONE_S, pause_s=0.3)


@pytest.mark.timeout(TRIES * 150)
async def test_a_call_outlives_a_rollout(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    measured: Measured,
) -> None:
    async def roll() -> list[CallRecord]:
        began = time.monotonic()
        await create(api, repeating(namespace, media_image, replicas=1))
        (old,) = await ready_pods(api, namespace, 1)
        await until_condition(api, namespace, "Ready", "PodsReady")
        took_s.append(time.monotonic() - began)
        calls = await _call_over_a_rollout(api, namespace, old)
        await until("the old pod gone", partial(_gone, api, namespace, old), 30)
        await without_pods(api, namespace)
        return calls

    took_s: list[float] = []
    run = await none_missing(roll, cluster.beside_a_call())
    measured.row("real pods", "apply to Ready, one pod", f"{took_s[-1]:.1f} s")
    measured.row(
        "real pods",
        "call during a rollout: ticks; without a frame; of them outside of stalls of the machine",
        f"{run.ticks}; {run.dry}; {run.unexcused}",
    )


async def _call_over_a_rollout(api: ApiServer, namespace: str, old: Json) -> list[CallRecord]:
    """A call that began before the pods were rolled, and one that found the new pod meanwhile."""
    host = old["status"]["podIP"]
    address = await service_address(api, namespace)
    calling = asyncio.create_task(call(address, 40.0))
    await asyncio.sleep(3)
    await change(api, namespace, bargeIn={"sensitivity": "high"})

    async def rolled() -> list[Json]:
        pods = alive(await pods_of(api, namespace))
        others = [pod for pod in pods if pod["metadata"]["name"] != old["metadata"]["name"]]
        return others if others == pods and all(map(is_ready, pods)) else []

    (new,) = await until("the rollout complete", rolled, READY_S, pause_s=0.3)
    assert not calling.done(), "the call was over before the rollout"
    second = await call(address, 2.0)
    assert second.host == new["status"]["podIP"]
    answered = await calling
    assert answered.host == host
    return [answered.record]


async def _gone(api: ApiServer, namespace: str, pod: Json) -> bool:
    return await find(api, POD, namespace, pod["metadata"]["name"]) is None


@pytest.mark.timeout(TRIES * 150)
async def test_scale_down_takes_the_idler_pod_and_cuts_no_call(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
) -> None:
    async def scale_down() -> list[CallRecord]:
        await create(api, repeating(namespace, media_image, replicas=2))
        busy, idler = await ready_pods(api, namespace, 2)
        hosts = [pod["status"]["podIP"] for pod in (busy, busy, idler)]
        calls = [asyncio.create_task(call(f"http://{host}:1650", 35.0)) for host in hosts]

        async def costs_written() -> bool:
            costs = [await _cost(api, namespace, pod) for pod in (busy, idler)]
            return costs == ["2", "1"]

        await until("the deletion costs written", costs_written, 25)
        assert await _annotation(api, namespace, busy, names.SAFE_TO_EVICT) == "false"
        cluster.run("scale", "va", "reception", "--replicas=1", "-n", namespace)

        async def chosen() -> list[Json]:
            left = alive(await pods_of(api, namespace))
            return left if len(left) == 1 else []

        (left,) = await until("one pod left", chosen, 20)
        assert left["metadata"]["name"] == busy["metadata"]["name"]
        answered = await asyncio.gather(*calls)
        await until("the idler pod gone", partial(_gone, api, namespace, idler), 30)
        await without_pods(api, namespace)
        return [each.record for each in answered]

    await none_missing(scale_down, cluster.beside_a_call())


async def _annotation(api: ApiServer, namespace: str, pod: Json, key: str) -> str:
    found = await find(api, POD, namespace, pod["metadata"]["name"])
    assert found is not None
    value: str = found["metadata"].get("annotations", {}).get(key, "")
    return value


async def _cost(api: ApiServer, namespace: str, pod: Json) -> str:
    return await _annotation(api, namespace, pod, names.DELETION_COST)


@pytest.mark.timeout(180)
async def test_at_the_drains_end_the_bot_says_goodbye_and_hands_the_caller_back(
    api: ApiServer,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
) -> None:
    await create(api, repeating(namespace, media_image, replicas=1, drain={"timeoutSeconds": 3}))
    (pod,) = await ready_pods(api, namespace, 1)
    host = pod["status"]["podIP"]
    calling = asyncio.create_task(call(await service_address(api, namespace), 60.0))
    await asyncio.sleep(2)
    await api.delete(POD.path(namespace, pod["metadata"]["name"]))
    answered = await calling
    assert answered.record.ended == "the bot hung up"
    assert answered.record.duration_s > 2 + 3
    assert await ask(host, f"/api/call-next?uuid={answered.uuid}&st=SUCCESS") == (200, "done")


@pytest.mark.timeout(180)
async def test_a_changed_greeting_reaches_running_pods_and_rolls_none(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    measured: Measured,
) -> None:
    await create(api, repeating(namespace, media_image, replicas=1))
    (pod,) = await ready_pods(api, namespace, 1)
    _, before = await ask_inside(cluster, pod, "/api/calls")
    began = time.monotonic()
    script = [{"say": "Another greeting altogether."}]
    await change(api, namespace, dialogue={"kind": "scripted", "script": script})

    async def reloaded() -> bool:
        return (await ask_inside(cluster, pod, "/api/calls"))[1] not in ("", before)

    await until("the manifest reloaded", reloaded, 20)
    took = time.monotonic() - began
    measured.row("real pods", "changed greeting to its reload by a pod", f"{took:.1f} s")
    (after,) = alive(await pods_of(api, namespace))
    assert after["metadata"]["name"] == pod["metadata"]["name"]


@pytest.mark.timeout(180)
async def test_an_idle_pod_is_evicted_also_if_it_is_the_only_one(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
    measured: Measured,
) -> None:
    await create(api, repeating(namespace, media_image, replicas=1))
    (pod,) = await ready_pods(api, namespace, 1)
    await _until_evicted(cluster, namespace, pod)
    began = time.monotonic()
    (new,) = await ready_pods(api, namespace, 1)
    took_s = time.monotonic() - began
    assert new["metadata"]["name"] != pod["metadata"]["name"]
    await until("the evicted pod gone", partial(_gone, api, namespace, pod), GONE_S)
    measured.row(
        "real pods", "eviction of the only pod to its replacement Ready", f"{took_s:.1f} s"
    )


@pytest.mark.timeout(180)
async def test_an_evicted_pod_keeps_its_call_and_goes_when_the_call_has_ended(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
) -> None:
    await create(api, repeating(namespace, media_image, replicas=1))
    (old,) = await ready_pods(api, namespace, 1)
    calling = asyncio.create_task(call(f"http://{old['status']['podIP']}:1650", EVICTED_CALL_S))

    async def left_alone() -> bool:
        return await _annotation(api, namespace, old, names.DO_NOT_DISRUPT) == "true"

    await until("the pod marked for node autoscalers", left_alone, 20)
    await _until_evicted(cluster, namespace, old)
    (new,) = await ready_pods(api, namespace, 1)
    assert not calling.done(), "the call was over before the replacement was ready"
    assert not await _gone(api, namespace, old)
    second = await call(await service_address(api, namespace), 2.0)
    assert second.host == new["status"]["podIP"]
    answered = await calling
    assert answered.record.ended == "the caller hung up"
    assert answered.record.duration_s > EVICTED_CALL_S - 1
    await until("the evicted pod gone", partial(_gone, api, namespace, old), GONE_S)


@pytest.mark.timeout(180)
async def test_with_eviction_never_an_idle_pod_stays(
    api: ApiServer,
    cluster: Cluster,
    operator: OperatorProcess,
    namespace: str,
    media_image: str,
) -> None:
    await create(api, repeating(namespace, media_image, replicas=1, eviction="never"))
    (pod,) = await ready_pods(api, namespace, 1)
    name = pod["metadata"]["name"]

    async def refused() -> str:
        return _evict(cluster, namespace, name)

    assert "disruption budget" in await until("the eviction refused", refused, 10)
    assert await find(api, POD, namespace, name) is not None


async def _until_evicted(cluster: Cluster, namespace: str, pod: Json) -> None:
    """As `kubectl drain` does, which asks again until the budget allows it."""

    async def evicted() -> bool:
        return _evict(cluster, namespace, pod["metadata"]["name"]) == ""

    await until("the eviction allowed", evicted, 30, pause_s=1.0)


def _evict(cluster: Cluster, namespace: str, name: str) -> str:
    """Ask once; why not, "" if the pod goes."""
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    body = EVICTION.head(namespace, name)
    return cluster.run("create", "--raw", path, "-f", "-", stdin=json.dumps(body)).stderr
