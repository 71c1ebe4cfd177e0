"""The one thing that a call works at: started, given up, failed, and what is left of it."""

import asyncio
import logging

import pytest

from call.doubles import SOON, others, settle
from call.mind import hang
from media_pod.call.work import Work
from media_pod.providers.ports import ProviderError


class Told(Work):
    """`Work` that notes what it tells."""

    def __init__(self, deadline_s: float = 5.0) -> None:
        self.failed: list[bool] = []
        super().__init__("7", deadline_s, self.failed.append)


async def fail() -> None:
    raise ProviderError("the mind: out of words")


async def test_who_started_work_is_told_how_it_ended(caplog: pytest.LogCaptureFixture) -> None:
    work = Told()
    work.start(settle)
    await settle()
    await settle()
    assert not work.running
    work.start(fail)
    await settle()

    assert work.failed == [False, True]
    (record,) = caplog.records
    assert record.getMessage() == "the mind: out of words"
    assert record.__dict__["call"] == "7"


async def test_nothing_is_told_of_cancelled_work_even_if_it_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def bitter() -> None:
        try:
            await hang()
        finally:
            raise ProviderError("not like this")

    work = Told()
    work.start(bitter)
    await settle()
    work.cancel()
    assert not work.running
    await settle()

    assert work.failed == []
    assert "not like this" in caplog.text
    assert not others()


async def test_work_begins_when_what_was_cancelled_has_given_up() -> None:
    let_go, order = asyncio.Event(), list[str]()

    async def first() -> None:
        try:
            await hang()
        finally:
            await let_go.wait()
            order.append("first has ended")

    async def second() -> None:
        order.append("second begins")

    work = Told()
    work.start(first)
    await settle()
    work.cancel()
    work.start(second)
    await settle()
    assert not order

    let_go.set()
    await settle()

    assert order == ["first has ended", "second begins"]


async def test_work_fails_when_what_was_cancelled_does_not_give_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    let_go = asyncio.Event()

    async def stuck() -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    work = Told(SOON)
    work.start(stuck)
    await settle()
    work.cancel()
    work.start(settle)
    async with asyncio.timeout(5):
        while not work.failed:
            await settle()
    with caplog.at_level(logging.ERROR):
        await work.aclose()

    assert work.failed == [True]
    assert "turn of call 7 does not end" in caplog.text
    let_go.set()
    await settle()
    assert not others()
