"""Who reaches an agent: phones with their password and a trunk by its address, no other caller."""

from pathlib import Path

from asterisk.callers import agent, line, silent
from asterisk.world import World, world
from interject_lab.telephones.sip.conversation import SipCall
from interject_lab.telephones.sip.phone import SipPhone
from interject_lab.telephones.sip.signalling import Account

TRUNK = {"name": "provider", "host": "127.0.0.1", "agent": "agent"}


async def call_as(there: World, user: str, password: str, extension: str) -> SipCall:
    ours = there.account(0)
    account = Account(user, password, ours.server_host, ours.server_port)
    return await SipPhone(account, line(), silent(), max_s=1.5).call(extension)


async def test_unknown_callers_and_wrong_passwords_are_refused(tree: Path, tmp_path: Path) -> None:
    async with world(tree, tmp_path, [agent()]) as there:
        refused = [
            await call_as(there, "unknown", "", "100"),
            await call_as(there, "p0", "wrong", "100"),
            await call_as(there, "p0", "", "100"),
        ]
        assert await there.calls() == []

    assert [call.status for call in refused] == [401, 401, 401]
    assert {call.record.duration_s for call in refused} == {0}


async def test_a_trunk_s_calls_reach_its_agent_by_any_number(tree: Path, tmp_path: Path) -> None:
    async with world(tree, tmp_path, [agent()], phones=0, trunks=[TRUNK]) as there:
        for number in ("493069123", "+493069123"):
            call = await call_as(there, "4930555", "", number)
            assert (call.status, call.ended) == (200, "the caller hung up")
            assert call.rtp.last_sound_ns() is not None
        await there.until_no_call()
        assert await there.metric("interject_calls_total") == 2
