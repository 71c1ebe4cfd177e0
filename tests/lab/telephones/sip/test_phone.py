"""Two telephones over real sockets: one calls, the other answers, without a server between."""

import asyncio
from typing import Any

import numpy as np
import pytest

from interject_lab.errors import LabError
from interject_lab.network.codecs import CodecName, g711_roundtrip
from interject_lab.scoring.call_summary import summarize
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.sip.conversation import SipCall
from interject_lab.telephones.sip.media import MediaSettings
from interject_lab.telephones.sip.network import Network
from interject_lab.telephones.sip.phone import AnsweringPhone, SipPhone
from interject_lab.telephones.sip.signalling import Account
from lab.telephones.sip.conftest import make_phone, says, tone


def account_at(line: AnsweringPhone) -> Account:
    host, port = line.address
    return Account("caller", "", host, port)


async def talk(callee: SipPhone, **settings: Any) -> tuple[SipCall, SipCall]:
    """A call to `callee`; what the caller and the callee saw of it."""
    async with callee.listening() as line:
        answering = asyncio.create_task(line.answer())
        plan = settings.pop("plan", ())
        call = await make_phone(*plan, account=account_at(line), **settings).call("100")
        return call, await answering


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
async def test_audio_arrives_intact(ptime_ms: int) -> None:
    settings = MediaSettings(ptime_ms=ptime_ms)
    plan = [says(tone(0.2), at_s=0.04)]
    callee = make_phone(says(tone(0.2, hz=700.0)), max_s=10.0)
    call, there = await talk(callee, plan=plan, max_s=0.36, settings=settings)
    assert call.record.caller.size == 18 * 160
    sent = g711_roundtrip(call.record.caller, "mu")
    np.testing.assert_array_equal(there.record.bot, sent[: there.record.bot.size])
    assert there.record.bot.size >= sent.size - 480
    sent = g711_roundtrip(there.record.caller, "mu")
    np.testing.assert_array_equal(call.record.bot, sent[: call.record.bot.size])


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
async def test_the_call_is_reported(codec: CodecName) -> None:
    rate_hz = 16_000 if codec == "G722" else 8000
    callee = make_phone(max_s=10.0, rate_hz=rate_hz, codecs=[codec])
    plan = [says(tone(0.1, rate_hz))]
    calls = await talk(callee, plan=plan, rate_hz=rate_hz, codecs=[codec])
    for call in calls:
        assert (call.status, call.reason, call.codec) == (200, "OK", codec)
        assert call.ringing
        assert call.answered_ns is not None
        assert call.record.rate_hz == rate_hz
        assert call.record.caller_sent_ns[0] >= call.answered_ns
        assert np.all(np.diff(call.record.caller_sent_ns) >= 0)
        assert np.all(np.diff(call.record.bot_arrived_ns) >= 0)
        assert call.record.bot_arrived_ns.size == call.record.bot.size // (rate_hz // 50)
        assert call.rtp.sequence_gaps() == []
        assert summarize(call.record).ended == call.ended
    last_ns = calls[1].rtp.last_sound_ns()
    assert last_ns is not None
    assert last_ns in calls[1].record.bot_arrived_ns
    assert calls[0].rtp.last_sound_ns() is None
    assert calls[0].packets_sent == 15


async def test_the_caller_may_hang_up() -> None:
    call, there = await talk(make_phone(max_s=10.0), max_s=0.1)
    assert (call.ended, there.ended) == ("the caller hung up", "the bot hung up")
    assert call.record.ended == call.ended
    assert call.record.caller.size == 5 * 160


async def test_the_other_side_may_hang_up() -> None:
    call, there = await talk(make_phone(max_s=0.1), max_s=10.0)
    assert (call.ended, there.ended) == ("the bot hung up", "the caller hung up")
    assert there.record.caller.size == 5 * 160


async def test_the_caller_may_hang_up_in_the_middle() -> None:
    async with make_phone(max_s=10.0).listening() as line:
        answering = asyncio.create_task(line.answer())
        phone: SipPhone
        phone = make_phone(
            account=account_at(line), max_s=10.0, progress=lambda elapsed_s: phone.hang_up()
        )
        call = await phone.call("100")
        assert (await answering).ended == "the bot hung up"
    assert call.ended == "the caller hung up"
    assert call.record.duration_s < 10


async def test_a_call_that_rings_is_cancelled() -> None:
    async with make_phone().listening() as line:
        answering = asyncio.create_task(line.answer(ring_s=60.0))
        phone = make_phone(account=account_at(line))
        calling = asyncio.create_task(phone.call("100"))
        await phone.ringing.wait()
        phone.hang_up()
        call, there = await calling, await answering
    assert (call.status, call.reason) == (487, "Request Terminated")
    assert call.ended == call.record.ended == "the caller hung up before an answer"
    assert call.ringing
    assert call.record.caller.size == call.record.bot.size == 0
    assert (there.status, there.ended) == (487, "the other side gave up before an answer")


async def test_a_call_that_nobody_answers_is_given_up() -> None:
    async with make_phone().listening() as line:
        answering = asyncio.create_task(line.answer(ring_s=60.0))
        call = await make_phone(account=account_at(line)).call("100", answer_within_s=0.05)
        assert (await answering).status == 487
    assert (call.status, call.ended) == (487, "no answer within 0.05 s")


async def test_one_may_hang_up_before_the_first_response() -> None:
    async with make_phone().listening() as line:
        answering = asyncio.create_task(line.answer(ring_s=60.0))
        phone = make_phone(account=account_at(line))
        phone.hang_up()
        call = await phone.call("100")
        assert (await answering).status == 487
    assert call.ended == "the caller hung up before an answer"


async def test_a_rejected_call_is_reported() -> None:
    async with make_phone().listening() as line:
        rejecting = asyncio.create_task(line.reject(486))
        call = await make_phone(account=account_at(line)).call("100")
        await rejecting
    assert (call.status, call.reason) == (486, "Busy Here")
    assert call.ended == "rejected: 486 Busy Here"
    assert call.rtp.arrivals == ()


async def test_who_is_called_may_decline_while_it_rings() -> None:
    callee = make_phone()
    async with callee.listening() as line:
        answering = asyncio.create_task(line.answer(ring_s=60.0))
        calling = asyncio.create_task(make_phone(account=account_at(line)).call("100"))
        await callee.ringing.wait()
        callee.hang_up()
        assert (await calling).ended == "rejected: 603 Decline"
        assert (await answering).status == 603


async def test_without_a_common_codec_there_is_no_call() -> None:
    async with make_phone(codecs=["PCMA"]).listening() as line:
        answering = asyncio.create_task(line.answer())
        call = await make_phone(account=account_at(line)).call("100")
        with pytest.raises(LabError, match=r"no codec in common .* allow one of PCMA"):
            await answering
    assert call.status == 488


async def test_digits_arrive() -> None:
    keys = MediaSettings(dtmf=[Dtmf(0.02, "4"), Dtmf(0.04, "#")])
    _, there = await talk(make_phone(max_s=10.0), max_s=0.5, settings=keys)
    assert there.rtp.digits() == "4#"


async def test_a_mute_telephone_sends_nothing_and_positions_stay_true() -> None:
    plan = [says(tone(0.4))]
    settings = MediaSettings(mute=[(0.1, 0.3)])
    call, there = await talk(make_phone(max_s=10.0), plan=plan, max_s=0.4, settings=settings)
    heard = there.record.bot
    sent = g711_roundtrip(call.record.caller, "mu").copy()
    sent[800:2400] = 0
    np.testing.assert_array_equal(heard, sent[: heard.size])
    assert call.packets_sent == len(there.rtp.arrivals) == 10
    assert there.rtp.sequence_gaps() == []


async def test_what_the_uplink_loses_is_a_gap_over_there() -> None:
    lossy = MediaSettings(uplink=Network(0.3, 2.0, seed=3))
    call, there = await talk(make_phone(max_s=10.0), max_s=0.6, settings=lossy)
    assert call.packets_sent == 30
    assert call.uplink_lost > 0
    assert len(there.rtp.arrivals) == 30 - call.uplink_lost
    assert 0 < sum(there.rtp.sequence_gaps()) <= call.uplink_lost


async def test_what_the_downlink_loses_never_came() -> None:
    lossy = MediaSettings(downlink=Network(0.3, 2.0, seed=3))
    call, there = await talk(make_phone(max_s=0.6), max_s=10.0, settings=lossy)
    assert call.downlink_lost > 0
    assert len(call.rtp.arrivals) + call.downlink_lost <= there.packets_sent


async def test_nobody_calls() -> None:
    async with make_phone().listening() as line:
        with pytest.raises(LabError, match=r"no call arrived at 127.0.0.1:\d+ within 0.01 s"):
            await line.answer(within_s=0.01)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"codecs": []}, "a telephone without a codec: expected some of PCMU, PCMA, G722"),
        ({"codecs": ["G729"]}, "no codec 'G729': expected one of PCMU, PCMA, G722"),
        ({"codecs": ["G722"]}, "G722 has audio at 16000 Hz, the line runs at 8000 Hz"),
        ({"settings": MediaSettings(ptime_ms=25)}, "packets of 25 ms: expected one of"),
        ({"settings": MediaSettings(dtmf=[Dtmf(0, "x")])}, "no DTMF digit 'x'"),
    ],
)
def test_a_telephone_of_no_use_is_reported(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(LabError, match=text):
        make_phone(**settings)
