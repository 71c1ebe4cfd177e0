"""Puts together what a call was, from the pod's reports and the telephone's recording."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interject_lab.call_record import CallRecord
from interject_lab.evaluation.calls.call_log import CallLog, ReportedRequest, ReportedTurn
from interject_lab.evaluation.calls.scripted_caller import ScriptedCaller
from interject_lab.evaluation.calls.spoken_speech import CarriedWord, SpokenPiece, carried_words
from interject_lab.evaluation.conversation import (
    GREETING,
    AnswerStages,
    BotTurn,
    CallerTurnSeen,
    Ending,
    SeenConversation,
    ToolUse,
)
from interject_lab.evaluation.scenario.document import Scenario
from interject_lab.evaluation.stand_ins.model_server import StandInModel
from interject_lab.scoring.outcome import has_sound
from media_pod.duplex.contract import TICK_MS

_ENDINGS = {"caller": Ending.CALLER, "bot": Ending.HANG_UP}


def conversation_of(
    scenario: Scenario,
    caller: ScriptedCaller,
    log: CallLog,
    record: CallRecord,
    pieces: Sequence[SpokenPiece],
    model: StandInModel | None,
) -> SeenConversation:
    """The conversation.

    Args:
        scenario: what was to happen.
        caller: who has called.
        log: the pod's reports, complete.
        record: the telephone's.
        pieces: what the pod's voices spoke.
        model: the stand-in, if there was one.
    """
    making = _Making(caller, log, record, carried_words(pieces, record.bot))
    problems = [*caller.problems, *(model.problems if model is not None else ())]
    ending = _ENDINGS.get(log.ended_by, Ending.FAILED)
    if log.goto and ending is Ending.HANG_UP:
        ending = Ending.TRANSFER
    if ending is Ending.FAILED:
        by = f"{log.ended_by or 'nobody'} ({record.ended})"
        problems.append(f"found an end by {by}; expected one by the bot or the caller")
    problems += _unfinished(scenario, caller, ending)
    return SeenConversation(
        bot=making.bot(),
        caller=making.caller(),
        ending=ending,
        goto=log.goto,
        problems=tuple(problems),
        requests=model.requests if model is not None else (),
    )


def _unfinished(scenario: Scenario, caller: ScriptedCaller, ending: Ending) -> list[str]:
    """The problem that not all steps were done, if another does not explain it."""
    left = [
        number
        for number, step in enumerate(scenario.steps)
        if number >= caller.steps_done and (step.text or step.key)
    ]
    if caller.problems or ending is Ending.FAILED:
        return []
    if ending is Ending.CALLER and not caller.hangs_up:
        at = f"steps[{caller.steps_done}]" if left else "the bot's last turn"
        late = f"found no end of {at} after {scenario.limit_seconds} s, which is limitSeconds"
        return [f"{late}; expected the end of the call"]
    if left:
        early = f"found the end of the call before steps[{left[0]}]"
        return [f"{early}; expected it after the last step"]
    return []


class _Making:
    """The turns of one call, by step."""

    def __init__(
        self,
        caller: ScriptedCaller,
        log: CallLog,
        record: CallRecord,
        carried: Sequence[CarriedWord],
    ) -> None:
        self._scripted = caller
        self._turns = log.turns
        self._record = record
        self._carried = [(word, _arrived_ns(record, word.end_sample)) for word in carried]
        sounds = np.flatnonzero(has_sound(record.bot, record.rate_hz))
        self._sounds_ns = record.bot_arrived_ns[sounds[sounds < record.bot_arrived_ns.size]]
        self._measured: set[int] = set()
        """Steps whose answer has its times."""

    def caller(self) -> tuple[CallerTurnSeen, ...]:
        return tuple(
            CallerTurnSeen(self._step(turn), turn.words, turn.digits)
            for turn in self._turns
            if turn.recognized_ns is not None
        )

    def bot(self) -> tuple[BotTurn, ...]:
        ends_ns = [*(turn.began_ns for turn in self._turns[1:]), np.iinfo(np.int64).max]
        made = [
            self._bot_turn(turn, int(end_ns))
            for turn, end_ns in zip(self._turns, ends_ns, strict=False)
        ]
        return tuple(turn for turn in made if turn.text or turn.tools)

    def _bot_turn(self, turn: ReportedTurn, end_ns: int) -> BotTurn:
        step, heard = self._step(turn), " ".join(turn.heard)
        on_line = [word.text for word, at_ns in self._carried if turn.began_ns <= at_ns < end_ns]
        # Recordings are no voice's speech: nothing is known of them.
        known = bool(on_line) or not heard
        return BotTurn(
            step=step,
            heard=heard,
            unheard=" ".join(turn.unheard),
            cut=turn.cut,
            tools=tuple(_tool(each) for each in turn.requests if each.kind == "tool"),
            stages=self._stages(turn, step) if heard else AnswerStages(),
            heard_on_line=" ".join(on_line) if known else None,
        )

    def _step(self, turn: ReportedTurn) -> int:
        """The step that a turn of the bot answers."""
        begun = self._scripted.turn_before.items()
        return max((step for step, before in begun if before < turn.number), default=GREETING)

    def _stages(self, turn: ReportedTurn, step: int) -> AnswerStages:
        """Of the first audible answer to a step in which the caller spoke or keyed."""
        ended_ms = self._scripted.ended_ms.get(step)
        if ended_ms is None or step in self._measured or turn.recognized_ns is None:
            return AnswerStages()
        self._measured.add(step)
        sent_ns = self._record.caller_sent_ns
        end_ns = int(sent_ns[min(ended_ms // TICK_MS, sent_ns.size - 1)])
        after = self._sounds_ns[self._sounds_ns >= turn.recognized_ns]
        times_ns: list[int | None] = [
            turn.began_ns,
            turn.recognized_ns,
            _first(turn, "llm", answered=True),
            _first(turn, "tts", answered=False),
            int(after[0]) if after.size else None,
        ]
        return AnswerStages(*(None if at is None else (at - end_ns) / 1e6 for at in times_ns))


def _arrived_ns(record: CallRecord, sample: int) -> int:
    arrived: NDArray[np.int64] = record.bot_arrived_ns
    frame = min((sample - 1) // record.tick_samples, arrived.size - 1)
    return int(arrived[frame])


def _first(turn: ReportedTurn, kind: str, *, answered: bool) -> int | None:
    """When the first request of this kind was answered, or asked."""
    times = [
        each.answered_ns if answered else each.asked_ns
        for each in turn.requests
        if each.kind == kind
    ]
    return next((at for at in times if at is not None), None)


def _tool(request: ReportedRequest) -> ToolUse:
    return ToolUse(request.name, request.text, request.result, request.outcome != "finished")
