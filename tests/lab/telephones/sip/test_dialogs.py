import asyncio

import pytest

from interject_lab.telephones.sip.dialogs import first_of


async def test_the_first_to_end_is_enough_and_the_others_are_cancelled() -> None:
    never = asyncio.Event()
    assert await first_of(never.wait(), asyncio.sleep(0))
    assert len(asyncio.all_tasks()) == 1


async def test_a_deadline_is_reported() -> None:
    assert not await first_of(asyncio.Event().wait(), within_s=0.001)


async def test_a_failure_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await first_of(asyncio.Event().wait(), fail())
