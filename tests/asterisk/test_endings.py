"""How calls end: the caller in every state, the bot, and what is left then."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from asterisk.callers import BOT_TEXT, agent, line, says, silent, speaker
from asterisk.measured import Measured
from asterisk.world import World, world

DESK = {"kind": "parcelDesk"}
ANSWERS = ((1.5, "four eight three seven"), (9.5, "yes"))
FAREWELL = says({"say": BOT_TEXT, "pauseMs": 0})


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("state", "dialogue"),
    [
        ("greeting", DESK),
        ("listening", DESK),
        ("thinking", DESK),
        ("speaking", DESK),
        ("interrupted", DESK),
        ("ending", FAREWELL),
    ],
)
async def test_a_caller_who_hangs_up_is_gone_everywhere(
    tree: Path, tmp_path: Path, state: str, dialogue: dict[str, Any]
) -> None:
    async with world(tree, tmp_path, [agent(dialogue=dialogue)]) as there:
        # Who speaks over a farewell is listened to.
        lines = ANSWERS if dialogue is DESK else ()
        phone = there.phone(line(), speaker(lines), max_s=40)
        calling = asyncio.create_task(there.call(phone, "100"))
        await there.until_turn(state)
        phone.hang_up()
        called = await calling
        await there.until_no_call()
        assert await there.metric("interject_calls_total") == 1

    assert called.call.ended == "the caller hung up"
    assert not errors(there)


async def test_a_caller_who_hangs_up_on_a_pod_s_last_words_is_gone_everywhere(
    tree: Path, tmp_path: Path
) -> None:
    async with world(tree, tmp_path, [agent(drain={"timeoutSeconds": 0})]) as there:
        phone = there.phone(line(), silent(), max_s=20)
        calling = asyncio.create_task(there.call(phone, "100"))
        await there.until_turn("greeting")
        there.pods[0].terminate()
        await there.until_turn("leaving")
        phone.hang_up()
        called = await calling
        await there.asterisk.until_idle()

    assert called.call.ended == "the caller hung up"
    assert not errors(there)


async def test_a_call_that_is_not_over_when_its_pod_has_to_go_goes_on_in_the_dialplan(
    tree: Path, tmp_path: Path
) -> None:
    own = """
[interject-agents](+)
exten => 130,1,Gosub(interject-agent,s,1)
 same => n,Verbose(1,130 goes on: ${INTERJECT_RESULT})
 same => n,Wait(3)
 same => n,Hangup()
"""
    leaves = agent(drain={"timeoutSeconds": 1})
    async with world(tree, tmp_path, [leaves], append={"extensions.conf": own}) as there:
        calling = asyncio.create_task(there.call(there.phone(line(), silent(), max_s=20), "130"))
        await there.until_turn("greeting")
        assert await there.drain() == 200
        there.pods[0].terminate()
        called = await calling
        await there.asterisk.until_idle()

    assert called.call.ended == "the bot hung up"
    assert "130 goes on: done" in there.asterisk.log
    assert not errors(there)


async def test_a_caller_who_gives_up_while_the_api_thinks_is_not_connected(
    tree: Path, tmp_path: Path
) -> None:
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    api = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, world(tree, tmp_path, [agent()], api=[api]) as there:
        phone = there.phone(line(), silent(), max_s=0.6)
        called = await there.call(phone, "100")
        await there.until_no_call()
        assert await there.metric("interject_calls_total") == 0
    assert called.uuid == ""


async def test_the_bot_hangs_up(tree: Path, tmp_path: Path, measured: Measured) -> None:
    goodbye = agent(dialogue=says({"say": "Goodbye.", "pauseMs": 0}))
    async with world(tree, tmp_path, [goodbye]) as there:
        called = await there.call(there.phone(line(), silent(), max_s=20), "100")
        over_ns = asyncio.get_running_loop().time() * 1e9
        await there.until_no_call()

    assert called.call.ended == "the bot hung up"
    last_ns = called.call.rtp.last_sound_ns()
    assert last_ns is not None
    assert not errors(there)
    measured.row(
        "the bot hangs up", "last RTP with sound to BYE", f"{(over_ns - last_ns) / 1e6:.0f} ms"
    )


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a request and says nothing until its client has gone."""
    while await reader.read(4096):
        pass
    writer.close()
    await writer.wait_closed()


def errors(there: World) -> list[str]:
    return [line for line in there.asterisk.complaints if "ERROR" in line]
