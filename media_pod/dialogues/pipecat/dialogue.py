"""The dialogue of a pipecat pipeline, which has its own recognizer, model, voice and context.

A turn of the bot lasts until the caller interrupts it: a pipeline may go on by itself, after a tool
or a silence. Every interruption tells it the words that were heard.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from media_pod.dialogues.pipecat.ears import PipecatEars
from media_pod.dialogues.pipecat.link import PipecatLink, PipelineEnd
from media_pod.dialogues.pipecat.process import PipecatProcess
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    DialogueState,
    HangUp,
    Interruption,
    Speak,
    checked_state,
)
from media_pod.providers.chain import ProviderChain
from media_pod.providers.ports import FailureKind, ProviderError, Stt
from media_pod.providers.recognition import SttChain
from media_pod.providers.requests import RequestObserver

PATIENCE_S: Final = 86_400.0
"""A day, the longest call: a pipeline says something when it has something to say."""


class PipecatDialogue:
    """The `Dialogue` of one call with a pipeline.

    Args:
        process: where it runs.
        call: which call.
    """

    name = "pipecat"
    patience_s = PATIENCE_S

    def __init__(self, process: PipecatProcess, call: CallInfo) -> None:
        self._process = process
        self._call = call
        self._link: PipecatLink | None = None
        self._own_ears = PipecatEars()
        ears: Stt = self._own_ears
        self._ears = ProviderChain("stt", [ears], process.deadline_s, lambda: 0.0)

    @property
    def ears(self) -> SttChain:
        """The pipeline hears the caller itself."""
        return self._ears

    async def open(self) -> None:
        """Run the pipeline."""
        call = self._call
        self._link = self._own_ears.link = await self._process.connect(
            {
                "uuid": call.uuid,
                "from_number": call.from_number,
                "to_number": call.to_number,
                "variables": dict(call.variables),
            }
        )

    async def greet(self) -> AsyncGenerator[Act, None]:
        """What the pipeline says by itself."""
        async with aclosing(self._turn()) as acts:
            async for act in acts:
                yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """What the pipeline says after the caller's turn, which it has heard."""
        if self._link is not None:
            for digit in turn.digits:
                self._link.digit(digit)
        async with aclosing(self._turn()) as acts:
            async for act in acts:
                yield act

    def interrupted(self, cut: Interruption) -> None:
        """Tell the pipeline what was heard, before its interruption."""
        if self._link is not None:
            self._link.interrupt(cut.heard)

    def snapshot(self) -> DialogueState:
        """Nothing: the context is the pipeline's."""
        return {}

    def restore(self, state: DialogueState) -> None:
        """See `Dialogue.restore`: the pipeline begins anew."""
        checked_state(state, "pipecat")

    async def aclose(self) -> None:
        """End the pipeline."""
        self._own_ears.link = None
        if self._link is not None:
            await self._link.aclose()

    async def _turn(self) -> AsyncGenerator[Act, None]:
        link = self._link
        if link is None:
            raise ProviderError(f"{self._process.what} does not run", FailureKind.INTERNAL)
        link.begin_turn()
        while not isinstance(part := await link.next(), PipelineEnd):
            self._own_ears.answered()
            yield Speak(part)
        if part.error:
            raise ProviderError(f"{self._process.what}: {part.error}", FailureKind.INTERNAL)
        yield HangUp("the pipeline has ended")


def make_pipecat_dialogue(
    process: PipecatProcess, call: CallInfo, observer: RequestObserver
) -> PipecatDialogue:
    """With the first argument bound, a `DialogueFactory`."""
    return PipecatDialogue(process, call)
