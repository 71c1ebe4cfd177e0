"""Phones, trunks and queues that are added while Asterisk runs, as a changed ConfigMap does."""

import asyncio
from pathlib import Path

import pytest
import yaml

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured
from asterisk.world import PASSWORD, World, world

WITHIN_S = 10.0


@pytest.mark.timeout(90)
async def test_an_added_phone_registers_and_is_called_while_a_call_goes_on(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    values = tmp_path / "asterisk" / "asterisk.yaml"
    async with world(tree, tmp_path, [agent()], phones=1, published=True) as there:
        phone = there.phone(line(), silent(), max_s=60)
        calling = asyncio.create_task(there.call(phone, "100"))
        await there.until_turn("greeting")
        (running,) = await there.calls()

        loop = asyncio.get_running_loop()
        began_s = loop.time()
        values.write_text(yaml.safe_dump(extended(yaml.safe_load(values.read_text()))))
        await until(there, "dialplan show 201@interject-phones", "PJSIP/p1")
        noticed_ms = 1000 * (loop.time() - began_s)
        await until(there, "pjsip show aor p1", "max_contacts")
        await until(there, "pjsip show registrations", "acme/")
        await until(there, "queue show sales", "PJSIP/p1")

        added = there.phone(line(erl_db=40), silent(), max_s=2, number=1)
        async with added.registered():
            await until(there, "pjsip show contacts", "p1/")
        called = await there.call(there.phone(line(), silent(), max_s=2, number=1), "100", 1)
        assert called.call.ended == "the caller hung up"
        assert running["uuid"] in [each["uuid"] for each in await there.calls()]
        phone.hang_up()
        assert (await calling).call.ended == "the caller hung up"
        await there.until_no_call()
    measured.row("added phone", "file changed until callable", f"{noticed_ms:.0f} ms")


def extended(document: dict[str, object]) -> dict[str, object]:
    """The values with one more phone, and a trunk and a queue, whose modules were not loaded."""
    phones = document["phones"]
    assert isinstance(phones, list)
    phones.append({"name": "p1", "extension": "201", "password": {"value": PASSWORD}})
    account = {"user": "me", "password": {"value": PASSWORD}, "register": True}
    document["trunks"] = [{"name": "acme", "host": "127.0.0.9", **account}]
    document["queues"] = [{"name": "sales", "members": ["p1"]}]
    return document


async def until(there: World, command: str, words: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while words not in await there.asterisk.cli(command):
            await asyncio.sleep(0.1)
