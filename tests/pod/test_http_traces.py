"""What the dialplan says of a call's trace over HTTP, and what is traced of its questions."""

import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_pod.call.events import CallRef, ReservationExpired
from media_pod.calls.answers import Next, NextStep
from media_pod.dialogues.ports import CallInfo
from otlp_collector import Collector
from pod.http_doubles import A, B, Dial, FakePeers, FakePod, dial, pod

__all__ = ["dial", "pod"]

TOLD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def collector(pod: FakePod) -> Iterator[Collector]:
    """The pod's."""
    collector = Collector()
    pod.trace(f"{collector.url}/v1/traces")
    yield collector
    pod.close()
    collector.close()


def outcomes(pod: FakePod, collector: Collector) -> list[tuple[str, str]]:
    """Of every question that has one: what was asked, and the outcome."""
    pod.close()
    return [
        (found["interject.question"], found["interject.reservation.outcome"])
        for found in (
            {item.key: item.value.string_value for item in span.attributes}
            for span in collector.spans
            if span.name == "reservation"
        )
    ]


async def test_the_dialplan_says_which_trace_a_call_belongs_to(dial: Dial, pod: FakePod) -> None:
    client = await dial()
    response = await client.get(f"/api/call-start?uuid={A}&traceparent={TOLD}&leg=2")
    assert response.status == 200
    assert pod.registry.present[0].info == CallInfo(A, traceparent=TOLD, leg=2)


@pytest.mark.parametrize(
    "query",
    [
        "traceparent=",
        "traceparent=nonsense",
        f"traceparent={TOLD.upper()}",
        f"traceparent={TOLD}%0a",
        f"traceparent={TOLD}-more",
        f"traceparent={TOLD}&traceparent={TOLD}",
        f"traceparent={'0' * 7000}",
        "leg=-1",
        "leg=1e3",
        "leg=99999999999999999999",
        "leg=%D9%A3",
    ],
)
async def test_what_makes_no_sense_is_ignored_and_the_call_is_taken(
    dial: Dial, pod: FakePod, query: str
) -> None:
    client = await dial()
    response = await client.get(f"/api/call-start?uuid={A}&{query}")
    assert response.status == 200
    assert pod.registry.present[0].info == CallInfo(A)


async def test_the_log_says_which_traceparent_was_ignored(
    dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = await dial()
    await client.get(f"/api/call-start?uuid={A}&traceparent=nonsense%0aof%20mine")
    (record,) = (record for record in caplog.records if "ignored" in record.getMessage())
    assert record.getMessage() == "its traceparent is ignored: found ['nonsense\\nof mine']"
    assert record.__dict__["call"] == A
    caplog.clear()
    await client.get(f"/api/call-start?uuid={A}&traceparent=")
    assert "ignored" not in caplog.text


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.text(max_size=100))
async def test_no_traceparent_is_a_fault(dial: Dial, pod: FakePod, junk: str) -> None:
    client = await dial()
    written = quote(junk.encode("utf-8", "replace"))
    response = await client.get(f"/api/call-start?uuid={A}&traceparent={written}&leg={written}")
    assert response.status == 200


async def test_every_question_has_its_outcome(
    dial: Dial, pod: FakePod, collector: Collector
) -> None:
    client = await dial(peers=FakePeers(room=Next(NextStep.CONNECT, address="10.0.0.2:3000")))
    await client.get(f"/api/call-start?uuid={A}")
    await client.get(f"/api/call-start?uuid={B}")
    await client.get(f"/api/call-next?uuid={B}")
    await client.get(f"/api/call-start?uuid={B}&hop=1")
    pod.bus.publish(CallRef(CallInfo(A)), ReservationExpired(pod.bus.now_ns()))
    assert outcomes(pod, collector) == [
        ("call-start", "elsewhere"),
        ("call-next", "elsewhere"),
        ("call-start", "taken"),
    ]


async def test_a_call_that_finds_no_place_is_refused(
    dial: Dial, pod: FakePod, collector: Collector
) -> None:
    client = await dial()
    pod.drain()
    assert (await client.get(f"/api/call-next?uuid={A}")).status == 503
    assert outcomes(pod, collector) == [("call-next", "refused")]


async def test_a_call_that_is_on_another_pod_is_found_there(
    dial: Dial, pod: FakePod, collector: Collector
) -> None:
    known = {A: Next(NextStep.CONNECT, address="10.0.0.2:3000"), B: Next(NextStep.DONE)}
    client = await dial(peers=FakePeers(known=known))
    await client.get(f"/api/call-next?uuid={A}")
    await client.get(f"/api/call-next?uuid={B}")
    assert outcomes(pod, collector) == [("call-next", "elsewhere")]
