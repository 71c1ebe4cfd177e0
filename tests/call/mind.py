"""A dialogue that is in the test's hands, and dialogues that fail."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    DialogueState,
    Interruption,
    RuleDialogue,
    Say,
)
from media_pod.providers.ports import ProviderError

Script = Callable[[], AsyncIterator[Act]]


class Mind(RuleDialogue):
    """Says the greeting and then `answers` in order, then "Go on."; records what it receives."""

    name = "mind"

    def __init__(self) -> None:
        self.greeting: Sequence[Act] | Script = [Say("Hello there")]
        self.answers: list[Sequence[Act] | Script] = []
        self.turns: list[CallerTurn] = []
        self.cuts: list[Interruption] = []
        self.rude = False
        self.streaming = 0
        self.most_open = 0

    def greet(self) -> AsyncIterator[Act]:
        return self._play(self.greeting)

    def reply(self, turn: CallerTurn) -> AsyncIterator[Act]:
        self.turns.append(turn)
        return self._play(self.answers.pop(0) if self.answers else [Say("Go on.")])

    def interrupted(self, cut: Interruption) -> None:
        self.cuts.append(cut)
        if self.rude:
            raise RuntimeError("do not interrupt me")

    def snapshot(self) -> DialogueState:
        return {}

    def restore(self, state: DialogueState) -> None:
        """Nothing to restore."""

    async def _play(self, acts: Sequence[Act] | Script) -> AsyncGenerator[Act, None]:
        self.streaming += 1
        self.most_open = max(self.streaming, self.most_open)
        try:
            if callable(acts):
                async for act in acts():
                    yield act
            else:
                for act in acts:
                    yield act
        finally:
            self.streaming -= 1


async def hang() -> None:
    await asyncio.Event().wait()


async def failing_mind() -> AsyncIterator[Act]:
    for cause in ["gone"]:
        raise ProviderError(f"mind: {cause}")
    yield Say("")


async def hanging_mind() -> AsyncIterator[Act]:
    await hang()
    yield Say("")
