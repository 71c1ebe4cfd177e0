"""Runs the tool calls of a language model: together, each to its end, whoever interrupts.

A call that has begun is not cancelled by an interruption: it may have booked something. Its result
is kept for the next turn. The end of the conversation waits for what is under way.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from media_pod.dialogues.agent.history import Step
from media_pod.providers.chat import ToolCall
from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.requests import ProviderRequest, RequestObserver, pending
from media_pod.tools.arguments import ArgumentsError, parse_arguments
from media_pod.tools.ports import Tool, ToolResult

FILLER_AFTER_S: Final = 1.0
"""A longer pause after the caller's turn makes callers ask whether someone is there."""
MAX_CALLS: Final = 16
"""Of one reply; a model that asks for more gets an error for the rest."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Run:
    """A call under way."""

    call: ToolCall
    step: Step
    task: "asyncio.Task[ToolResult]"
    filler: str


class ToolList(Protocol):
    """The part of a `ToolSource` that a conversation needs."""

    @property
    def tools(self) -> Sequence[Tool]:
        """What can be called now."""


class ToolRuns:
    """The tool calls of one conversation.

    Args:
        sources: where the tools come from; their lists may change between turns.
        observer: takes the reports.
    """

    def __init__(self, sources: Sequence[ToolList], observer: RequestObserver) -> None:
        self._sources = sources
        self._observer = observer
        self._running: list[_Run] = []

    @property
    def tools(self) -> dict[str, Tool]:
        """What can be called now, by name; of two with one name the first counts."""
        found: dict[str, Tool] = {}
        for source in self._sources:
            for tool in source.tools:
                found.setdefault(tool.spec.name, tool)
        return found

    @property
    def running(self) -> bool:
        """A call has not ended, or its result is not in its step yet."""
        return bool(self._running)

    def start(self, step: Step, calls: Sequence[ToolCall]) -> None:
        """Begin `calls`, whose results go to `step`."""
        tools = self.tools
        for number, call in enumerate(calls):
            tool = tools.get(call.name)
            if tool is None or number >= MAX_CALLS:
                step.results[call.id] = _refused(call, tool, list(tools))
                continue
            work = self._run(tool, call)
            task = asyncio.create_task(work, name=f"tool {call.name}")
            self._running.append(_Run(call, step, task, tool.filler))

    async def results(self) -> AsyncGenerator[str, None]:
        """Wait until all have ended and their results are in their steps.

        Yields:
            One sentence for a caller who waits, if it takes long and a tool has one.
        """
        filler = next((run.filler for run in self._running if run.filler), "")
        if not await self._all_ended(FILLER_AFTER_S) and filler:
            yield filler
        await self._all_ended(None)

    async def aclose(self) -> None:
        """Wait for what is under way; each tool has its own deadline. Cancels it if cancelled."""
        tasks = [run.task for run in self._running]
        try:
            await self._all_ended(None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _all_ended(self, within_s: float | None) -> bool:
        """Wait for all, at most `within_s`; their own deadlines bound it otherwise."""
        if not self._running:
            return True
        _, left = await asyncio.wait([run.task for run in self._running], timeout=within_s)
        for run in [run for run in self._running if run.task.done()]:
            self._running.remove(run)
            run.step.results[run.call.id] = run.task.result().text
        return not left

    async def _run(self, tool: Tool, call: ToolCall) -> ToolResult:
        request = ProviderRequest("tool", call.name, text=call.arguments)
        with pending(self._observer, request) as pending_request:
            try:
                result = await tool.call(parse_arguments(call.arguments))
            except ArgumentsError as error:
                result = ToolResult(f"Error: {error}", is_error=True)
            except Exception as error:  # the edge at which a tool's bug stops
                _logger.exception("the tool %s failed", call.name)
                pending_request.failed(error)
                return ToolResult("Error: the tool failed.", is_error=True)
            pending_request.answered()
            if result.is_error:
                pending_request.failed(ProviderError(result.text, FailureKind.BAD_ANSWER))
            else:
                pending_request.finished(text=result.text)
        return result


def _refused(call: ToolCall, tool: Tool | None, names: list[str]) -> str:
    if tool is None:
        return f"Error: found tool {call.name}; allowed: {', '.join(names) or 'none'}"
    return f"Error: more than {MAX_CALLS} calls in one reply; this one was not made"
