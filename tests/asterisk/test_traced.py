"""One call, one trace: from the dialplan's first question to its last word, through two pods."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from asterisk.callers import agent, interrupter, line, silent
from asterisk.world import free_port, world
from interject_lab.reports.trace import Span, as_text
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.sip.media import MediaSettings
from rig.fixtures import jaeger_program
from rig.observers import Jaeger

__all__ = ["jaeger_program"]

EXPORTED_S = 7.0
"""Pods export every five seconds; what a pod that is killed has not exported is lost."""
IN_TIME_S = 15.0


def named(spans: Sequence[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def within(inner: Span, outer: Span) -> bool:
    """Up to the microsecond to which Jaeger rounds."""
    ends = inner.began_us + inner.lasted_us, outer.began_us + outer.lasted_us
    return outer.began_us - 1 <= inner.began_us and ends[0] <= ends[1] + 1


@pytest.mark.timeout(120, func_only=True)
async def test_a_call_is_found_by_its_uuid_with_every_span_in_its_place(
    tree: Path, tmp_path: Path, jaeger_program: Path
) -> None:
    names = ["call", "reservation", "connect", "turn", "llm", "tts", "bargein", "stt", "call-end"]
    with Jaeger(jaeger_program, tmp_path / "jaeger.log") as jaeger:
        pods = [agent(telemetry={"otlpEndpoint": jaeger.otlp})]
        async with world(tree, tmp_path, pods) as there:
            called = await there.call(there.phone(line(), interrupter(1), max_s=12), "100")
            await there.until_no_call()
        spans = await asyncio.to_thread(jaeger.trace_with, called.uuid, names, IN_TIME_S)

    assert {span.trace_id for span in spans} == {called.uuid.replace("-", "")}, as_text(spans)
    (call,) = named(spans, "call")
    assert call.parent == ""
    assert call.tags["interject.call.leg"] == 0
    assert call.tags["interject.call.ended"] == "caller"
    for name in ("reservation", "connect", "turn", "call-end"):
        for span in named(spans, name):
            assert span.parent == call.id
            assert within(span, call)
    turns = {turn.id: turn for turn in named(spans, "turn")}
    for name in ("llm", "tts", "stt", "bargein"):
        for span in named(spans, name):
            assert within(span, turns[span.parent])
    for bargein in named(spans, "bargein"):
        assert turns[bargein.parent].tags["interject.turn.interrupted"] is True
    assert not any("text" in tag for span in spans for tag in span.tags if "characters" not in tag)


@pytest.mark.timeout(120, func_only=True)
async def test_a_call_whose_pod_is_killed_goes_on_in_the_same_trace(
    tree: Path, tmp_path: Path, jaeger_program: Path
) -> None:
    with Jaeger(jaeger_program, tmp_path / "jaeger.log") as jaeger:
        pods = [agent(telemetry={"otlpEndpoint": jaeger.otlp})] * 2
        async with world(tree, tmp_path, pods) as there:
            phone = there.phone(line(), interrupter(1), max_s=60)
            calling = asyncio.create_task(there.call(phone, "100"))
            await there.until_turn("thinking")
            await asyncio.sleep(EXPORTED_S)
            await there.pods[0].kill()
            await there.until_turn("greeting", 1)
            phone.hang_up()
            called = await calling
            await there.until_no_call()
        spans = await asyncio.to_thread(jaeger.trace_with, called.uuid, ["call"], IN_TIME_S)

    assert {span.trace_id for span in spans} == {called.uuid.replace("-", "")}, as_text(spans)
    (call,) = named(spans, "call")
    lost = {turn.parent for turn in named(spans, "turn")} - {call.id}
    assert set(call.after) == lost, "the killed pod's turns are below the leg that it names"
    assert call.tags["interject.call.leg"] == 1
    first, second = named(spans, "reservation")
    assert first.tags["interject.question"] == "call-start"
    assert {first.parent} == lost
    assert second.tags["interject.question"] == "call-next"
    assert second.parent == call.id


@pytest.mark.timeout(120, func_only=True)
async def test_a_call_that_is_transferred_to_another_agent_stays_one_trace(
    tree: Path, tmp_path: Path, jaeger_program: Path
) -> None:
    place, ports = "interject-agents,101,1", (free_port(), free_port())
    desk = {"kind": "parcelDesk", "person": "person"}
    transfers = {"transfers": [{"name": "person", "goto": place}]}
    apis = [[f"127.0.0.1:{port}"] for port in ports]
    dialplan = [
        {"name": "desk", "extensions": ["100"], "transfers": [place], "api": apis[0]},
        {"name": "sales", "extensions": ["101"], "api": apis[1]},
    ]
    with Jaeger(jaeger_program, tmp_path / "jaeger.log") as jaeger:
        shared = {"telemetry": {"otlpEndpoint": jaeger.otlp}}
        pods = [
            agent("desk", dialogue=desk, telephony=transfers, server={"httpPort": ports[0]},
                  **shared),
            agent("sales", server={"httpPort": ports[1]}, **shared),
        ]  # fmt: skip
        async with world(tree, tmp_path, pods, dialplan=dialplan) as there:
            # Twice: a machine that stalls may lose a key.
            keys = [Dtmf(at_s + s, key) for at_s in (3, 12) for s, key in ((0.0, "0"), (0.4, "#"))]
            settings = MediaSettings(dtmf=keys)
            phone = there.phone(line(), silent(), max_s=60, settings=settings)
            calling = asyncio.create_task(there.call(phone, "100"))
            second = await there.until_turn("greeting", 1)
            phone.hang_up()
            await calling
            await there.until_no_call()
        spans = await asyncio.to_thread(jaeger.trace_with, second["uuid"], ["call"], IN_TIME_S)

    before, after = named(spans, "call")
    assert before.trace_id == after.trace_id, as_text(spans)
    assert before.tags["interject.call.goto"] == place
    assert after.after == (before.id,)
    assert before.trace_id == str(before.tags["gen_ai.conversation.id"]).replace("-", "")
    assert after.tags["gen_ai.conversation.id"] == second["uuid"]
