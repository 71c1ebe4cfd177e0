"""What Asterisk refuses: calls over its limit, phones from elsewhere; and what it logs of it."""

import asyncio
import re
from pathlib import Path

import pytest

from asterisk.callers import agent, line, silent
from asterisk.measured import Measured
from asterisk.test_who_may_call import call_as
from asterisk.world import PASSWORD, World, world
from asterisk_config.values import FILES_PER_CALL

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "asterisk.md"
CALLS = 4


@pytest.mark.timeout(60)
async def test_a_call_over_the_limit_is_rejected_and_a_call_takes_few_files(
    tree: Path, tmp_path: Path, measured: Measured
) -> None:
    async with world(tree, tmp_path, [agent()], phones=CALLS + 1, maxCalls=CALLS) as there:
        before = open_files(there)
        phones = [there.phone(line(), silent(), max_s=30, number=n) for n in range(CALLS)]
        calling = [asyncio.create_task(there.call(p, "100", n)) for n, p in enumerate(phones)]
        async with asyncio.timeout(20):
            while [call["turn"] for call in await there.calls()].count("greeting") < CALLS:
                await asyncio.sleep(0.05)
        each = (open_files(there) - before) / CALLS
        more = await there.call(there.phone(line(), silent(), max_s=3, number=CALLS), "100", CALLS)
        for phone in phones:
            phone.hang_up()
        called = await asyncio.gather(*calling)
        await there.until_no_call()

    assert {one.call.ended for one in called} == {"the caller hung up"}
    assert (more.call.status, more.call.answered_ns) == (503, None)
    assert each <= FILES_PER_CALL / 2
    measured.row("a call at 8 kHz", "open files of Asterisk", f"{each:.1f}")


async def test_a_phone_calls_from_its_networks_alone(tree: Path, tmp_path: Path) -> None:
    at_home, elsewhere = {"permit": ["127.0.0.0/8"]}, {"permit": ["192.0.2.0/24"]}
    for number, (phone, status) in enumerate(((at_home, 200), (elsewhere, 401))):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with world(tree, folder, [agent()], phone=phone) as there:
            assert (await call_as(there, "p0", PASSWORD, "100")).status == status
            log = there.asterisk.log
        assert ("FailedACL" in log) is (status == 401)


async def test_a_guessed_password_is_in_the_log_as_the_ban_list_expects_it(
    tree: Path, tmp_path: Path
) -> None:
    (rule,) = re.findall(r"^ *failregex = (.+)$", DOCS.read_text(), re.MULTILINE)
    pattern = re.compile(rule.replace("<HOST>", r"(?P<host>[0-9a-f.:]+)"))
    async with world(tree, tmp_path, [agent()], logLevel="notice") as there:
        await call_as(there, "p0", "wrong", "100")
        await call_as(there, "nobody", "wrong", "100")
        good = await call_as(there, "p0", PASSWORD, "100")
        log = there.asterisk.log

    found = [match for line_ in log.splitlines() if (match := pattern.search(line_))]
    assert good.status == 200
    assert {match["host"] for match in found} == {"127.0.0.1"}
    assert sum("p0" in match.string for match in found) == 1, "not of the right password"
    assert any("nobody" in match.string for match in found)


def open_files(there: World) -> int:
    return len(list(Path(f"/proc/{there.asterisk.pid}/fd").iterdir()))
