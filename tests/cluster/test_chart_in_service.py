"""What happens to a release in service, while a telephone calls: no call is cut off.

The cases share one release, in this order: it is installed before the first, gone after the last.
"""

import asyncio
import time

import pytest

from cluster.measured import Measured
from cluster.model_server import ModelServer
from cluster.one_release import (
    NUMBER,
    TALKER,
    otlp_endpoint,
    product,
    talker,
    uninstalled_leaves_nothing,
)
from cluster.operators import until
from cluster.product import PAUSE_S, SAMPLE_NUMBER, Product, is_ready
from cluster.receptionist import (
    AGENT,
    TRANSFER_HZ,
    asks_for_the_price,
    heard_s,
    make_secret,
    models,
    receptionist,
)
from voiceagent_operator.agents import names

__all__ = ["models", "otlp_endpoint", "product"]

pytestmark = pytest.mark.usefixtures("node")

CALLABLE_S = 10.0
RECEPTION = "200"


@pytest.mark.timeout(240)
async def test_an_agent_is_callable_while_the_release_is(product: Product) -> None:
    await product.until_sample_answers()
    product.cluster.apply(talker(product.namespace))
    await product.until_answered(NUMBER, 60)


@pytest.mark.timeout(180)
async def test_a_model_transfers_a_caller_to_another_agent(
    product: Product, models: ModelServer
) -> None:
    models.said = "how much is a new chain"
    make_secret(product.cluster, product.namespace, "sk-first")
    place = {"name": "sales", "goto": f"interject-agents,{SAMPLE_NUMBER},1"}
    telephony = {"extensions": [RECEPTION], "transfers": [place]}
    product.cluster.apply(receptionist(product.namespace, models, telephony=telephony))
    product.wait(f"va/{AGENT}", "condition=Ready")
    product.wait(f"va/{AGENT}", "condition=Published")
    await product.until_answered(RECEPTION, 30)

    calling = asyncio.create_task(product.call(RECEPTION, asks_for_the_price(), max_s=20.0))
    await until("the call at the sample", lambda: _is_called(product, SAMPLE_NUMBER), 20, PAUSE_S)
    heard = await calling
    assert heard_s(heard.call.record, TRANSFER_HZ) > 0.5
    assert heard.call.ended == "the caller hung up"
    product.cluster.run("delete", f"va/{AGENT}", "secret/openai", "-n", product.namespace)


async def _is_called(product: Product, number: str) -> bool:
    return any(each["to_number"] == number for each in await product.calls())


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
        assert drained.returncode != 0, "the last pod went without a replacement"
        heard = await calling
    finally:
        product.cluster.run("uncordon", node)
    assert heard.call.ended == "the caller hung up"
    await until("two pods again", lambda: _ready_pods(product, 2), 60, PAUSE_S)
    product.cluster.run("scale", "va", TALKER, "--replicas=1", "-n", product.namespace)


async def _ready_pods(product: Product, number: int) -> bool:
    pods = await asyncio.to_thread(product.pods, TALKER)
    return len(pods) == number == sum(map(is_ready, pods))


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
    await uninstalled_leaves_nothing(product)
