"""The whole product in real pods: a telephone calls an agent through the chart's own Asterisk.

The cases share one release, in this order: it is installed before the first, gone after the last.
"""

import asyncio
import json
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cluster.cluster import Json
from cluster.measured import Measured
from cluster.one_release import (
    ASTERISK_METRICS,
    INTERRUPTIONS,
    NUMBER,
    TALKER,
    interrupted_call,
    jaeger,
    jaeger_program,
    product,
    talker,
)
from cluster.operators import until
from cluster.product import PAUSE_S, SAMPLE, Product
from real_time.verdict import TRIES
from rig.fixtures import prometheus
from rig.observers import Jaeger, Prometheus, Target
from voiceagent_operator.agents import names

__all__ = ["jaeger", "jaeger_program", "product", "prometheus"]

pytestmark = pytest.mark.usefixtures("node")

CALLABLE_S = 10.0
FRESH_S = 2.0
PYTHON = "/opt/interject/bin/python"
"""In our images."""
SPANS = ("call", "reservation", "connect", "turn", "llm", "tts", "bargein", "call-end")
OPERATOR = ",".join(f"{label}={value}" for label, value in names.OPERATOR_PODS.items())
METRIC = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/{}/pods/*/interject_active_calls"


@pytest.fixture(scope="module")
def otlp_endpoint(jaeger: Jaeger) -> str:
    """Traces of this file's release go to Jaeger."""
    return jaeger.otlp


@pytest.mark.timeout(200)
async def test_helm_tests_pass_and_containers_start_soon(
    product: Product, measured: Measured
) -> None:
    await product.until_sample_answers()
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


def test_policies_are_in_force(product: Product) -> None:
    """The operator may poll a media pod and not call it. All other cases need what policies allow.

    A cluster that enforces policies finds out what they forget to allow.
    """
    if not product.cluster.own:
        pytest.skip("whether policies are enforced is up to the network of a foreign cluster")
    operator = product.cluster.get_all("pods", product.namespace, OPERATOR)[0]
    program = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"

    def reach(port: int) -> CompletedProcess[str]:
        return product.cluster.run(
            "exec", operator["metadata"]["name"], "-n", product.namespace, "--",
            PYTHON, "-c", program, product.hosts()[0], str(port),
        )  # fmt: skip

    polled, called = reach(1650), reach(3000)
    assert polled.returncode == 0, polled.stderr
    assert "TimeoutError" in called.stderr, called.stdout + called.stderr


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


@pytest.mark.timeout(TRIES * 60 + 60)
async def test_a_caller_on_an_echoing_line_interrupts_twice_in_one_trace(
    product: Product, jaeger: Jaeger, measured: Measured
) -> None:
    heard = await interrupted_call(product, NUMBER, measured)
    spans = await asyncio.to_thread(jaeger.trace_with, heard.uuid, SPANS, 20)
    (root,) = [span for span in spans if span.name == "call"]
    assert sum(span.name == "bargein" for span in spans) == INTERRUPTIONS
    assert {span.trace_id for span in spans} == {heard.uuid.replace("-", "")}
    assert all(span.parent for span in spans if span is not root)
    assert root.tags["gen_ai.agent.name"] == TALKER


async def test_prometheus_finds_every_part_of_the_release(
    product: Product, prometheus: Path, tmp_path: Path
) -> None:
    """The pages are scraped as they are: the rig's pods can be reached from here."""
    pages = product.pages(ASTERISK_METRICS)
    targets = [Target(page, product.namespace, pod) for pod, page in pages]
    with Prometheus(prometheus, tmp_path, targets) as server:
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


@pytest.mark.timeout(90)
async def test_a_call_is_in_the_metrics_api_within_two_seconds(
    product: Product, measured: Measured
) -> None:
    (pod,) = product.pods(TALKER)

    def calls() -> bool:
        answer = product.cluster.run("get", "--raw", METRIC.format(product.namespace)).stdout
        return any(
            (each["describedObject"]["name"], each["value"]) == (pod["metadata"]["name"], "1")
            for each in json.loads(answer)["items"]
        )

    calling = asyncio.create_task(product.call(NUMBER, max_s=8.0))
    await until("the call in a pod", product.calls, 20)
    began = time.monotonic()
    await until("the call in the API", partial(asyncio.to_thread, calls), 10)
    took = time.monotonic() - began
    await calling
    measured.row("the chart", "a call in its pod, to its value in the metrics API", f"{took:.1f} s")
    assert took < FRESH_S
