"""Tool calls of a model: together, each to its end, each with one result."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call.doubles import SOON, others, settle
from dialogues.agent.doubles import Booking, Tools
from media_pod.dialogues.agent import tool_runs
from media_pod.dialogues.agent.history import Step
from media_pod.dialogues.agent.tool_runs import MAX_CALLS, ToolRuns
from media_pod.providers.chat import JsonObject, ToolCall
from media_pod.tools.ports import Tool, ToolResult
from providers.doubles import Reports


class Broken(Booking):
    """Raises, which a tool never should."""

    async def call(self, arguments: JsonObject) -> ToolResult:
        raise RuntimeError("a bug")


class Refusing(Booking):
    """Returns an error."""

    async def call(self, arguments: JsonObject) -> ToolResult:
        return ToolResult("Error: no such table", is_error=True)


class Running:
    """Calls of one reply."""

    def __init__(self, *tools: Tool) -> None:
        self.reports = Reports()
        self.runs = ToolRuns([Tools(*tools)], self.reports)
        self.step = Step()

    def start(self, *calls: tuple[str, str]) -> None:
        made = [ToolCall(f"call-{n}", *call) for n, call in enumerate(calls)]
        self.step.calls = tuple(made)
        self.runs.start(self.step, made)

    async def results(self) -> list[str]:
        return [filler async for filler in self.runs.results()]

    @property
    def texts(self) -> list[str]:
        return list(self.step.results.values())


async def test_calls_run_together_and_their_results_are_theirs() -> None:
    one, two = Booking("one", "1"), Booking("two", "2")
    one.finish.clear()
    running = Running(one, two)
    running.start(("one", '{"a": 1}'), ("two", ""))
    waiting = asyncio.create_task(running.results())
    await settle()
    assert two.arguments == [{}]
    one.finish.set()

    assert await waiting == []

    assert running.step.results == {"call-0": "1", "call-1": "2"}
    assert running.reports.lines == ["one answered finished", "two answered finished"]
    assert [request.text for request in running.reports.all] == ['{"a": 1}', ""]


async def test_a_caller_who_waits_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_runs, "FILLER_AFTER_S", SOON)
    booking, quiet = Booking(), Booking("quiet")
    quiet.filler = ""
    booking.finish.clear()
    running = Running(quiet, booking)
    running.start(("quiet", ""), ("book", ""))
    fillers = running.runs.results()
    assert await anext(fillers) == "One moment."
    booking.finish.set()
    assert [filler async for filler in fillers] == []
    assert len(running.texts) == 2


async def test_a_tool_without_a_filler_is_waited_for_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tool_runs, "FILLER_AFTER_S", 0.0)
    booking = Booking()
    booking.filler = ""
    booking.finish.clear()
    running = Running(booking)
    running.start(("book", ""))
    waiting = asyncio.create_task(running.results())
    await settle()
    booking.finish.set()
    assert await waiting == []
    assert running.texts == ["booked"]


@pytest.mark.parametrize(
    ("tool", "arguments", "told", "reported"),
    [
        (Broken(), "{}", "Error: the tool failed.", "book failed"),
        (Refusing(), "{}", "Error: no such table", "book answered failed"),
        (Booking(), "[1]", "Error: arguments: found [1]; expected a JSON obj", "book answered"),
        (Booking(), "{", "Error: arguments: found no valid JSON", "book answered failed"),
    ],
)
async def test_what_goes_wrong_is_a_result_for_the_model(
    tool: Booking, arguments: str, told: str, reported: str
) -> None:
    running = Running(tool)
    running.start(("book", arguments))
    await running.results()
    assert running.texts[0].startswith(told)
    assert running.reports.lines[0].startswith(reported)


async def test_a_tool_that_is_not_there_is_refused_with_the_names_of_those_that_are() -> None:
    running = Running(Booking("one"), Booking("two"))
    running.start(("three", ""))
    assert running.texts == ["Error: found tool three; allowed: one, two"]
    assert running.reports.lines == []

    none = Running()
    none.start(("three", ""))
    assert none.texts == ["Error: found tool three; allowed: none"]


async def test_more_calls_than_allowed_are_not_made() -> None:
    booking = Booking()
    running = Running(booking)
    running.start(*[("book", "")] * (MAX_CALLS + 2))
    await running.results()
    assert len(booking.arguments) == MAX_CALLS
    assert running.texts.count("booked") == MAX_CALLS
    assert sum("this one was not made" in text for text in running.texts) == 2


async def test_of_two_tools_with_one_name_the_first_is_called() -> None:
    first, second = Booking(result="first"), Booking(result="second")
    running = Running()
    running.runs = ToolRuns([Tools(first), Tools(second)], running.reports)
    running.start(("book", ""))
    await running.results()
    assert running.texts == ["first"]
    assert second.arguments == []


async def test_who_stops_waiting_does_not_stop_the_tools() -> None:
    booking = Booking()
    booking.finish.clear()
    running = Running(booking)
    running.start(("book", ""))
    waiting = asyncio.create_task(running.results())
    await settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    booking.finish.set()

    assert await running.results() == []

    assert booking.cancelled == 0
    assert running.texts == ["booked"]


async def test_the_end_waits_for_the_tools_and_a_cancelled_end_cancels_them() -> None:
    booking = Booking()
    booking.finish.clear()
    running = Running(booking)
    running.start(("book", ""))
    await settle()
    closing = asyncio.create_task(running.runs.aclose())
    await settle()
    assert not closing.done()

    closing.cancel()
    await asyncio.wait([closing])

    assert booking.cancelled == 1
    assert running.reports.lines == ["book abandoned"]
    assert not others()


@given(
    st.lists(
        st.tuples(st.sampled_from(["book", "broken", "refuse", "nothing"]), st.sampled_from("{}[")),
        max_size=MAX_CALLS + 3,
    )
)
async def test_every_call_has_one_result_and_one_end(calls: Sequence[tuple[str, str]]) -> None:
    running = Running(Booking(), Broken("broken"), Refusing("refuse"))
    running.start(*calls)
    await running.results()
    assert set(running.step.results) == {call.id for call in running.step.calls}
    made = sum(name != "nothing" for name, _ in calls[:MAX_CALLS])
    assert len(running.reports.all) == made
    assert all(words[-1] in ("finished", "failed") for words in running.reports.all.values())
