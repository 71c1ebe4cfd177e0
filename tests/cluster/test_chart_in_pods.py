"""The whole product in real pods: a telephone calls an agent through the chart's own Asterisk.

The cases share one release, in this order: it is installed before the first, gone after the last.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from asterisk.callers import interrupter, talks_on
from asterisk.real_time import TRIES

from cluster.frames import Calls, none_missing
from cluster.jaeger import Jaeger, jaeger_program
from cluster.kubernetes_scripts import script
from cluster.measured import Measured
from cluster.operators import until, voice_agent
from cluster.product import PAUSE_S, SAMPLE, Images, Product
from cluster.releases import CRD, Release, without_crd
from cluster.rig import Cluster, Json
from demo_cluster.observers import prometheus
from media_pod.lab.outcome import find_interruptions, find_stops, sounding
from media_pod.lab.record import CallRecord
from voiceagent_operator import names

__all__ = ["jaeger_program"]

pytestmark = pytest.mark.usefixtures("node")

TALKER, NUMBER = "talker", "700"
CALLABLE_S = 10.0
PAUSE_TICKS = 25
"""Silence in the bot's stream that no speech of its own has."""
INTERRUPTIONS = 2
SPANS = ("call", "reservation", "connect", "turn", "llm", "tts", "bargein", "call-end")
ASTERISK_METRICS = 9100
OPERATOR = ",".join(f"{label}={value}" for label, value in names.OPERATOR_PODS.items())
OF_THE_NAMESPACE = {"serviceaccount/default", "configmap/kube-root-ca.crt"}
METRIC = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/{}/pods/*/interject_active_calls"


@pytest.fixture(scope="module")
def jaeger(
    cluster: Cluster, jaeger_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jaeger]:
    """Where pods reach it."""
    log = tmp_path_factory.mktemp("jaeger") / "log"
    with Jaeger(jaeger_program, log, cluster.own_address) as running:
        yield running


@pytest.fixture(scope="module")
def product(
    cluster: Cluster, media_image: str, operator_image: str, asterisk_image: str,
    shared_namespace: str, jaeger: Jaeger,
) -> Iterator[Product]:  # fmt: skip
    """The chart, installed with its defaults but for the images and the observers."""
    values = Images(operator_image, media_image, asterisk_image).values()
    values["telemetry"] = {"otlpEndpoint": jaeger.otlp}
    values["asterisk"]["metricsPort"] = ASTERISK_METRICS
    release = Release(cluster, shared_namespace)
    with without_crd(cluster):
        try:
            release.install(values)
            yield Product(release, values)
        finally:
            release.uninstall()


def talker(namespace: str, **spec: object) -> Json:
    """An agent that talks until the caller hangs up, under a number of its own."""
    usual = {
        "dialogue": talks_on(),
        "telephony": {"extensions": [NUMBER]},
        "replicas": 1,
        "capacity": {"calls": 4},
        "drain": {"timeoutSeconds": 60},
    }
    return voice_agent(namespace, TALKER, **{**usual, **spec})


def pauses(record: CallRecord) -> list[int]:
    """Where in the bot's stream its longer silences begin."""
    sounds = sounding(record.bot, record.rate_hz)
    ends = np.flatnonzero(sounds[:-1] & ~sounds[1:]) + 1
    return [
        int(end) * record.tick_samples
        for end in ends
        if not sounds[end : end + PAUSE_TICKS].any() and end + PAUSE_TICKS <= sounds.size
    ]


@pytest.mark.timeout(240)
async def test_the_sample_answers_a_telephone_without_any_value(
    product: Product, measured: Measured
) -> None:
    began = time.monotonic()
    product.wait("pod/" + f"{product.release.name}-asterisk-0", "condition=Ready")
    await until("the sample made", lambda: _made(product, SAMPLE), 60, PAUSE_S)
    product.wait(f"va/{SAMPLE}", "condition=Ready")
    product.wait(f"va/{SAMPLE}", "condition=Published")
    await product.until_answered("100", 30)
    took = time.monotonic() - began
    measured.row("the chart", "installed to the first call that is answered", f"{took:.1f} s")


@pytest.mark.timeout(200)
async def test_helm_tests_pass_and_containers_start_soon(
    product: Product, measured: Measured
) -> None:
    await asyncio.to_thread(product.release.test)
    pods = {
        "operator": product.cluster.get_all("pods", product.namespace, OPERATOR)[0],
        "media pod": product.pods(SAMPLE)[0],
        "Asterisk": product.release.get("pod", "asterisk-0"),
    }
    for name, pod in pods.items():
        what = "container started to Ready, in whole seconds"
        measured.row("the chart", f"{name}: {what}", f"{_start_s(pod):.0f} s")
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


def _start_s(pod: Json) -> float:
    (ready,) = [each for each in pod["status"]["conditions"] if each["type"] == "Ready"]
    started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    times = (datetime.fromisoformat(at) for at in (started, ready["lastTransitionTime"]))
    began, ended = times
    return (ended - began).total_seconds()


async def _made(product: Product, name: str) -> Json:
    return await asyncio.to_thread(product.cluster.get, "va", product.namespace, name)


@pytest.mark.timeout(120)
async def test_another_agent_is_callable_within_ten_seconds_of_its_pod(
    product: Product, measured: Measured
) -> None:
    product.cluster.apply(talker(product.namespace))
    began = time.monotonic()
    await product.until_answered(NUMBER, 30)
    took = time.monotonic() - began
    measured.row("the chart", "applied agent to its first answered call", f"{took:.1f} s")
    assert took < CALLABLE_S


@pytest.mark.timeout(240)
async def test_a_caller_on_an_echoing_line_interrupts_twice_in_one_trace(
    product: Product, jaeger: Jaeger, measured: Measured
) -> None:
    heard = await product.call(NUMBER, interrupter(INTERRUPTIONS), max_s=25.0)
    record = heard.call.record
    found = find_interruptions(record, find_stops(record, pauses(record)))
    took_ms = [each.onset_to_silence_ms for each in found]
    measured.row("the chart", "interruptions: onset to silence at the telephone, ms", str(took_ms))
    assert len(found) == INTERRUPTIONS
    assert all(took_ms)
    spans = await asyncio.to_thread(jaeger.trace_with, heard.uuid, SPANS, 20)
    (root,) = [span for span in spans if span.name == "call"]
    assert sum(span.name == "bargein" for span in spans) == INTERRUPTIONS
    assert {span.trace_id for span in spans} == {heard.uuid.replace("-", "")}
    assert all(span.parent for span in spans if span is not root)
    assert root.tags["gen_ai.agent.name"] == TALKER


async def test_prometheus_finds_every_part_of_the_release(product: Product, tmp_path: Path) -> None:
    """The pages are scraped as they are: the rig's pods can be reached from here."""
    programs = Path(script("../get_prometheus.py")) / "usr" / "bin"
    targets = product.pages(ASTERISK_METRICS)
    with prometheus(programs / "prometheus", targets, product.namespace, tmp_path) as server:
        for expr in (
            'interject_stops_total{pod=~"talker-.*"} > 0',
            "interject_operator_leader == 1",
            "asterisk_calls_sum > 0",
        ):
            await until(expr, partial(asyncio.to_thread, server.now, expr), 15, PAUSE_S)


def test_the_metrics_api_is_trusted_and_knows_the_pods(product: Product) -> None:
    path = METRIC.format(product.namespace)
    cluster = product.cluster
    cluster.wait_for("the API", lambda: cluster.run("get", "--raw", path).returncode == 0, 30)
    values = json.loads(cluster.run("get", "--raw", path).stdout)["items"]
    assert {value["describedObject"]["name"] for value in values} >= {
        pod["metadata"]["name"] for pod in product.pods(TALKER)
    }
    service = cluster.get("apiservice", None, "v1beta2.custom.metrics.k8s.io")
    assert service["spec"]["caBundle"]
    assert "insecureSkipTLSVerify" not in service["spec"]


@pytest.mark.timeout(TRIES * 120)
async def test_an_upgrade_and_a_rollback_in_mid_call_take_no_frame(
    product: Product, measured: Measured
) -> None:
    """The agent's pods are rolled by each of them, because it is part of the release."""

    values = deepcopy(product.values)
    values["sample"] = {"spec": {"dialogue": talks_on(), "capacity": {"calls": 4}}}
    await asyncio.to_thread(product.release.upgrade, values)
    await until("the sample talking on", lambda: _of_the_latest_spec(product), 60, PAUSE_S)

    async def change() -> Calls:
        before = [pod["metadata"]["name"] for pod in product.pods(SAMPLE)]
        calling = asyncio.create_task(product.call("100", max_s=45.0))
        await until("the call in a pod", product.calls, 20, PAUSE_S)
        changed = deepcopy(values)
        changed["sample"]["spec"]["bargeIn"] = {"sensitivity": "high"}
        await asyncio.to_thread(product.release.upgrade, changed)
        await until("other pods", lambda: _others(product, before), 30, PAUSE_S)
        await asyncio.to_thread(product.release.rollback)
        assert not calling.done(), "the call was over before the rollback"
        heard = await calling
        return Calls([heard.call.record], await product.late_ticks())

    run = await none_missing(change)
    measured.row(
        "the chart",
        "call during an upgrade and a rollback: ticks; without a frame",
        f"{run.ticks}; {run.dry_ticks}",
    )


async def _of_the_latest_spec(product: Product) -> bool:
    agent = await asyncio.to_thread(product.cluster.get, "va", product.namespace, SAMPLE)
    rolled = {each["type"]: each["status"] for each in agent["status"]["conditions"]}
    return (
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
    cluster.run("annotate", "va", TALKER, "-n", namespace, "example.com/touched=yes")

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
