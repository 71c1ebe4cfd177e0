"""An agent sends the caller on: to a person whose telephone answers, and nowhere else."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from asterisk.callers import agent, line, silent, speaker
from asterisk.measured import Measured
from asterisk.world import world
from interject_lab.network.levels import is_sound
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.sip.media import MediaSettings

PERSON = "interject-phones,201,1"
DIALPLAN = [{"name": "agent", "extensions": ["100"], "transfers": [PERSON]}]


def desk(goto: str) -> dict[str, Any]:
    return {
        "dialogue": {"kind": "parcelDesk", "person": "person"},
        "telephony": {"transfers": [{"name": "person", "goto": goto}]},
    }


@pytest.mark.timeout(90)
async def test_a_caller_who_presses_0_talks_to_a_person(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with world(tree, tmp_path, [agent(**desk(PERSON))], dialplan=DIALPLAN, phones=2) as there:
        keys = [Dtmf(3.0, "0"), Dtmf(3.4, "#")]
        caller = there.phone(
            line(erl_db=40), speaker([(9.0, "hello, is that a person")]), max_s=14,
            settings=MediaSettings(dtmf=keys),
        )  # fmt: skip
        person = there.phone(
            line(erl_db=40), speaker([(3.0, "yes, good morning")]), max_s=30, number=1
        )
        async with person.registered() as telephone:
            answering = asyncio.create_task(telephone.answer(ring_s=0.2))
            called = await there.call(caller, "100")
            answered = await answering
        await there.until_no_call()

    assert called.call.ended == "the caller hung up"
    assert answered.status == 200
    spoken = called.call.record.spoken[0]
    assert spoken.onset_sample > 0
    ticks = answered.record.bot.reshape(-1, 160)
    assert sum(is_sound(tick) for tick in ticks) > 25, "the person hears the caller"
    (recording,) = there.recordings().values()
    assert recording.words[-1].heard == "One moment please, I put you through."
    last_ns = last_word_ns(called.call.record.bot_arrived_ns, recording.arrays["played"].size)
    assert answered.answered_ns is not None
    measured.row(
        "transfer to an extension",
        "bot's last frame to the person's answer, 200 ms of ringing in it",
        f"{(answered.answered_ns - last_ns) / 1e6:.0f} ms",
    )


@pytest.mark.timeout(90)
async def test_a_caller_is_sent_to_a_queue_whose_phone_answers(tree: Path, tmp_path: Path) -> None:
    queue = "interject-queues,help,1"
    dialplan = [{"name": "agent", "extensions": ["100"], "transfers": [queue]}]
    queues = [{"name": "help", "members": ["p1"]}]
    async with world(
        tree, tmp_path, [agent(**desk(queue))], dialplan=dialplan, phones=2, queues=queues
    ) as there:
        keys = [Dtmf(2.0, "0"), Dtmf(2.4, "#")]
        caller = there.phone(line(), silent(), max_s=12, settings=MediaSettings(dtmf=keys))
        person = there.phone(line(erl_db=40), speaker([(1.0, "good morning")]), max_s=30, number=1)
        async with person.registered() as telephone:
            answering = asyncio.create_task(telephone.answer())
            called = await there.call(caller, "100")
            answered = await answering
        await there.until_no_call()

    assert called.call.ended == "the caller hung up"
    assert (answered.status, answered.ended) == (200, "the bot hung up"), "Asterisk's goodbye"


@pytest.mark.timeout(90)
async def test_after_a_transfer_that_the_dialplan_refuses_the_call_goes_on(
    tree: Path, tmp_path: Path
) -> None:
    elsewhere = agent(**desk("interject-phones,202,1"))
    async with world(tree, tmp_path, [elsewhere], dialplan=DIALPLAN, phones=3) as there:
        keys = [Dtmf(2.0, "0"), Dtmf(2.4, "#")]
        phone = there.phone(line(), silent(), max_s=60, settings=MediaSettings(dtmf=keys))
        calling = asyncio.create_task(there.call(phone, "100"))
        first = await there.until_turn("greeting")
        await there.until_said("not sent to")
        again = await there.until_turn("greeting")
        page = await asyncio.to_thread(there.pod_log)
        await asyncio.sleep(1)
        phone.hang_up()
        called = await calling
        await there.until_no_call()

    assert called.call.ended == "the caller hung up"
    assert again["uuid"] == first["uuid"]
    (complaint,) = [li for li in there.asterisk.complaints if "not sent to" in li]
    assert "interject-phones,202,1" in complaint
    assert "refused the transfer to interject-phones,202,1" in page


@pytest.mark.timeout(60)
async def test_an_agent_that_asks_for_a_refused_transfer_again_loses_the_call_to_the_fallback(
    tree: Path, tmp_path: Path
) -> None:
    insists = agent(
        dialogue={"kind": "scripted", "script": [{"say": "One moment."}, {"transfer": "person"}]},
        telephony={"transfers": [{"name": "person", "goto": "interject-phones,202,1"}]},
    )
    fallback = {"kind": "extension", "destination": "interject-phones,201,1"}
    async with world(
        tree, tmp_path, [insists], dialplan=DIALPLAN, phones=3, fallback=fallback
    ) as there:
        caller = there.phone(line(), silent(), max_s=30)
        person = there.phone(line(erl_db=40), silent(), max_s=2, number=1)
        async with person.registered() as telephone:
            answering = asyncio.create_task(telephone.answer())
            called = await there.call(caller, "100")
            answered = await answering
        await there.until_no_call()

    assert (called.call.ended, answered.status) == ("the bot hung up", 200)
    assert len([li for li in there.asterisk.complaints if "not sent to" in li]) == 2


def last_word_ns(arrived_ns: Any, played_samples: int) -> int:
    """When the last frame that the pod sent had come."""
    return int(arrived_ns[min(played_samples // 160, len(arrived_ns)) - 1])
