"""What happens to a release in service, while a telephone calls: nobody is cut off.

The cases share one release, in this order: it is installed before the first, gone after the last.
"""

import asyncio
import time
from copy import deepcopy

import pytest
from asterisk.callers import talks_on
from asterisk.real_time import TRIES

from cluster.frames import Calls, none_missing, watched
from cluster.measured import Measured
from cluster.one_release import NUMBER, TALKER, jaeger, jaeger_program, product, talker
from cluster.operators import until
from cluster.product import PAUSE_S, SAMPLE, Product
from cluster.releases import CRD
from cluster.rig import Json
from voiceagent_operator.agents import names

__all__ = ["jaeger", "jaeger_program", "product"]

pytestmark = pytest.mark.usefixtures("node")

CALLABLE_S = 10.0
OF_THE_NAMESPACE = {"serviceaccount/default", "configmap/kube-root-ca.crt"}


@pytest.mark.timeout(TRIES * 120)
async def test_an_upgrade_and_a_rollback_in_mid_call_take_no_frame(
    product: Product, measured: Measured
) -> None:
    """The agent's pods are rolled by each of them, because it is part of the release."""

    values = deepcopy(product.values)
    values["sample"] = {"spec": {"dialogue": talks_on(), "capacity": {"calls": 4}}}
    await asyncio.to_thread(product.release.upgrade, values)
    await until("the sample talking on", lambda: _of_the_latest_spec(product), 90, PAUSE_S)

    async def change() -> Calls:
        before = [pod["metadata"]["name"] for pod in product.pods(SAMPLE)]
        async with watched(await asyncio.to_thread(product.hosts)) as late:
            calling = asyncio.create_task(product.call("100", max_s=40.0))
            await until("the call in a pod", product.calls, 20, PAUSE_S)
            changed = deepcopy(values)
            changed["sample"]["spec"]["bargeIn"] = {"sensitivity": "high"}
            await asyncio.to_thread(product.release.upgrade, changed)
            await until("other pods", lambda: _others(product, before), 30, PAUSE_S)
            await asyncio.to_thread(product.release.rollback)
            assert not calling.done(), "the call was over before the rollback"
            heard = await calling
        return Calls([heard.call.record], sum(late.values()))

    run = await none_missing(change)
    measured.row(
        "the chart",
        "call during an upgrade and a rollback: ticks; without a frame",
        f"{run.ticks}; {run.dry_ticks}",
    )


async def _of_the_latest_spec(product: Product) -> bool:
    agent = await asyncio.to_thread(product.cluster.get, "va", product.namespace, SAMPLE)
    conditions = agent.get("status", {}).get("conditions", [])
    rolled = {each["type"]: each["status"] for each in conditions}
    return bool(conditions) and (
        agent["spec"]["dialogue"]["kind"] == "scripted"
        and agent["status"]["observedGeneration"] == agent["metadata"]["generation"]
        and (rolled["Ready"], rolled["Progressing"]) == ("True", "False")
    )


async def _others(product: Product, before: list[str]) -> bool:
    """Whether the sample has a ready pod that is none of those."""
    pods = await asyncio.to_thread(product.pods, SAMPLE)
    return any(pod["metadata"]["name"] not in before and _is_ready(pod) for pod in pods)


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


@pytest.mark.timeout(240)
async def test_an_agent_is_callable_while_the_release_is(product: Product) -> None:
    product.cluster.apply(talker(product.namespace))
    await product.until_answered(NUMBER, 60)


@pytest.mark.timeout(240)
async def test_a_node_that_is_drained_lets_calls_end(product: Product) -> None:
    (pod,) = product.pods(TALKER)
    node = pod["spec"]["nodeName"]
    product.cluster.run("scale", "va", TALKER, "--replicas=2", "-n", product.namespace)
    await until("two pods", lambda: _ready_pods(product, 2), 60, PAUSE_S)
    calling = asyncio.create_task(product.call(NUMBER, max_s=20.0))
    await until("the call in a pod", product.calls, 20, PAUSE_S)
    try:
        drained = await asyncio.to_thread(
            product.cluster.run,
            "drain", node, f"--pod-selector={names.AGENT}={TALKER}", "--timeout=5s",
            "--ignore-daemonsets", "--delete-emptydir-data",
        )  # fmt: skip
        assert drained.returncode != 0, "the last pod went, with nobody in its place"
        heard = await calling
    finally:
        product.cluster.run("uncordon", node)
    assert heard.call.ended == "the caller hung up"
    await until("two pods again", lambda: _ready_pods(product, 2), 60, PAUSE_S)
    product.cluster.run("scale", "va", TALKER, "--replicas=1", "-n", product.namespace)


async def _ready_pods(product: Product, number: int) -> bool:
    pods = await asyncio.to_thread(product.pods, TALKER)
    return len(pods) == number == sum(map(_is_ready, pods))


@pytest.mark.timeout(240)
async def test_pods_follow_three_calls_up_and_cut_none_on_the_way_down(
    product: Product, measured: Measured
) -> None:
    grows = {
        "metricSource": "operator",
        "minReplicas": 1,
        "maxReplicas": 2,
        "targetPercent": 50,
        "scaleDownSeconds": 0,
    }
    product.cluster.apply(talker(product.namespace, autoscaling=grows))
    await until("one pod", lambda: _ready_pods(product, 1), 90, PAUSE_S)
    began = time.monotonic()
    calls = [asyncio.create_task(product.call(NUMBER, max_s=60.0)) for _ in range(3)]
    await until("a second pod", lambda: _ready_pods(product, 2), 50, PAUSE_S)
    measured.row("the chart", "three calls to a second pod", f"{time.monotonic() - began:.1f} s")
    for heard in await asyncio.gather(*calls):
        assert heard.call.ended == "the caller hung up"
    await until("one pod again", lambda: _ready_pods(product, 1), 90, PAUSE_S)


@pytest.mark.timeout(120)
async def test_another_operator_takes_over_from_a_killed_one(product: Product) -> None:
    cluster, namespace = product.cluster, product.namespace
    lease = cluster.get("lease", namespace, f"{product.release.name}-operator")
    leader = lease["spec"]["holderIdentity"]
    cluster.run("delete", "pod", leader, "-n", namespace, "--grace-period=0", "--force")

    async def other() -> bool:
        lease = await asyncio.to_thread(
            cluster.get, "lease", namespace, f"{product.release.name}-operator"
        )
        return bool(lease["spec"]["holderIdentity"]) and lease["spec"]["holderIdentity"] != leader

    await until("another leader", other, 30, PAUSE_S)


@pytest.mark.timeout(180)
async def test_calls_end_cleanly_when_asterisk_restarts_and_the_next_one_works(
    product: Product, measured: Measured
) -> None:
    calling = asyncio.create_task(product.call(NUMBER, max_s=60.0))
    await until("the call in a pod", product.calls, 20, PAUSE_S)
    began = time.monotonic()
    name = f"{product.release.name}-asterisk-0"
    product.cluster.run("delete", "pod", name, "-n", product.namespace, "--wait=false")
    heard = await calling
    assert heard.call.ended != "the caller hung up"
    await until("no call in a pod", lambda: _idle(product), 20, PAUSE_S)
    await product.until_answered(NUMBER, 60)
    took = time.monotonic() - began
    measured.row("the chart", "Asterisk asked to go, to the next answered call", f"{took:.1f} s")


async def _idle(product: Product) -> bool:
    return not await product.calls()


@pytest.mark.timeout(120)
async def test_a_deleted_agent_is_no_longer_callable(product: Product) -> None:
    product.cluster.run("delete", "va", TALKER, "-n", product.namespace)

    async def unknown() -> bool:
        return (await product.call(NUMBER, max_s=1.0)).call.status == 404

    await until("the number unknown", unknown, CALLABLE_S + 5, PAUSE_S)


@pytest.mark.timeout(120)
async def test_uninstalled_nothing_is_left_but_the_resource(product: Product) -> None:
    product.cluster.run("delete", "va", TALKER, "-n", product.namespace, "--ignore-not-found")
    said = await asyncio.to_thread(product.release.uninstall)
    assert CRD in said
    await until("no pod left", lambda: _no_pod(product), 60, PAUSE_S)
    left: set[str] = set()
    for kinds in ("all", "configmaps,secrets,serviceaccounts,roles,rolebindings,leases,pdb,hpa"):
        done = product.cluster.run("get", kinds, "-n", product.namespace, "-o", "name")
        left |= set(done.stdout.split())
    name = product.release.name
    assert left <= OF_THE_NAMESPACE | {
        f"lease.coordination.k8s.io/{name}-operator",
        f"secret/{name}-metrics-api-tls",
        "configmap/interject-dialplan-asterisk",
    }


async def _no_pod(product: Product) -> bool:
    return not await asyncio.to_thread(product.cluster.get_all, "pods", product.namespace, "")
