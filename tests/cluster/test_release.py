"""One release of the chart from its installation to its end, as every change has to pass it.

The cases share the release, in this order: it is installed before the first, gone after the last.
"""

import asyncio
import time
from copy import deepcopy
from typing import Any, Final

import pytest

from asterisk.callers import talks_on
from cluster.frames import none_missing
from cluster.measured import Measured
from cluster.one_release import (
    interrupted_call,
    otlp_endpoint,
    product,
    uninstalled_leaves_nothing,
)
from cluster.operators import until
from cluster.product import PAUSE_S, SAMPLE, SAMPLE_NUMBER, Product, is_ready
from interject_lab.call_record import CallRecord
from real_time.verdict import TRIES, Run, run
from real_time.witness import witness

__all__ = ["otlp_endpoint", "product"]

pytestmark = pytest.mark.usefixtures("node")

TALKS_ON: Final[dict[str, Any]] = {"spec": {"dialogue": talks_on(), "capacity": {"calls": 4}}}
"""Values of the sample: an agent that talks until the caller hangs up."""


@pytest.mark.core
@pytest.mark.timeout(240)
async def test_the_sample_answers_a_telephone_without_any_value(
    product: Product, measured: Measured
) -> None:
    began = time.monotonic()
    await product.until_sample_answers()
    took = time.monotonic() - began
    measured.row("the chart", "installed to the first call that is answered", f"{took:.1f} s")


@pytest.mark.core
@pytest.mark.timeout(120)
async def test_an_upgrade_and_a_rollback_in_mid_call_cut_no_call(
    product: Product, measured: Measured
) -> None:
    """The agent's pods are rolled by each of them, because it is part of the release."""
    await _sample_talks_on(product)
    with witness(product.cluster.beside_a_call()) as stalls:
        records = await _upgrade_and_roll_back(product)
    assert [record.ended for record in records] == ["the caller hung up"]
    _row(measured, run(records, stalls))


@pytest.mark.timeout(TRIES * 120)
async def test_an_upgrade_and_a_rollback_in_mid_call_take_no_frame(
    product: Product, measured: Measured
) -> None:
    """Not in the core set: on two cores, pods that start leave a call's processes little time."""
    await _sample_talks_on(product)
    places = product.cluster.beside_a_call()
    _row(measured, await none_missing(lambda: _upgrade_and_roll_back(product), places))


async def _sample_talks_on(product: Product) -> None:
    values = deepcopy(product.values)
    values["sample"] = TALKS_ON
    await asyncio.to_thread(product.release.upgrade, values)
    await until("the sample talking on", lambda: _of_the_latest_spec(product), 90, PAUSE_S)


async def _upgrade_and_roll_back(product: Product) -> list[CallRecord]:
    """Call the sample, and meanwhile replace its pods twice; the telephone's record."""
    before = [pod["metadata"]["name"] for pod in product.pods(SAMPLE)]
    calling = asyncio.create_task(product.call(SAMPLE_NUMBER, max_s=40.0))
    await until("the call in a pod", product.calls, 20, PAUSE_S)
    changed = deepcopy(product.values)
    changed["sample"] = deepcopy(TALKS_ON)
    changed["sample"]["spec"]["bargeIn"] = {"sensitivity": "high"}
    await asyncio.to_thread(product.release.upgrade, changed)
    await until("other pods", lambda: _others(product, before), 30, PAUSE_S)
    await asyncio.to_thread(product.release.rollback)
    assert not calling.done(), "the call was over before the rollback"
    heard = await calling
    return [heard.call.record]


def _row(measured: Measured, run: Run) -> None:
    measured.row(
        "the chart",
        "call during an upgrade and a rollback: ticks; without a frame; of them outside of stalls",
        f"{run.ticks}; {run.dry}; {run.unexcused}",
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
    return any(pod["metadata"]["name"] not in before and is_ready(pod) for pod in pods)


@pytest.mark.core
@pytest.mark.timeout(TRIES * 60)
async def test_a_caller_on_an_echoing_line_interrupts_twice(
    product: Product, measured: Measured
) -> None:
    await interrupted_call(product, SAMPLE_NUMBER, measured)


@pytest.mark.core
@pytest.mark.timeout(120)
async def test_uninstalled_nothing_is_left_but_the_resource(product: Product) -> None:
    await uninstalled_leaves_nothing(product)
