"""Judges a conversation by its scenario: one finding for each expectation."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from interject_lab.evaluation.conversation import BotTurn, SeenConversation, ToolUse
from interject_lab.evaluation.scenario.document import Scenario
from interject_lab.evaluation.scenario.expectations import (
    BotExpectation,
    ConversationExpectation,
    ExpectedCall,
)
from interject_lab.evaluation.scenario.words import compiled, is_expression, matches
from media_pod.manifest.conversation import PhrasesSettings

MORE_WORDS: Final = 4
"""Words that a bot says between the caller's cue and its silence: half a second of reaction and
line, at four words a second, and two more for short words."""
WORDS_ERROR: Final = 1
"""A word that ends within the frame of the stop may count either way."""
_SHOWN: Final = 200
"""Characters of a text in a finding."""


@dataclass(frozen=True, slots=True)
class EvalFinding:
    """What became of one expectation."""

    path: str
    """In the scenario."""
    text: str
    """What was found and expected."""
    passed: bool = False


def judge(
    scenario: Scenario, seen: SeenConversation, phrases: PhrasesSettings, *, in_text: bool
) -> tuple[EvalFinding, ...]:
    """All findings, in the scenario's order; problems of the conversation itself come first.

    Args:
        scenario: what was expected.
        seen: what happened.
        phrases: of the agent.
        in_text: there was no line: times and recordings are not judged.
    """
    found = [EvalFinding("steps", problem) for problem in seen.problems]
    judging = _Judging(seen, (phrases.apology, phrases.goodbye), in_text)
    for number, step in enumerate(scenario.steps):
        path = f"steps[{number}].expect"
        found += judging.bot(path, step.expect, seen.answers(number))
        if step.expect.heard_up_to:
            found += judging.heard(path, step.expect.heard_up_to, number)
    found += judging.bot("expect", scenario.expect, seen.bot)
    found += judging.end(scenario.expect)
    return tuple(found)


class _Judging:
    def __init__(self, seen: SeenConversation, apologies: Sequence[str], in_text: bool) -> None:
        self._seen = seen
        self._apologies = apologies
        self._in_text = in_text

    def bot(
        self, path: str, expected: BotExpectation, turns: Sequence[BotTurn]
    ) -> Iterator[EvalFinding]:
        """The expectations that an answer and a whole conversation share."""
        heard = " ".join(turn.heard for turn in turns if turn.heard)
        said = " ".join(turn.text for turn in turns if turn.text)
        for index, words in enumerate(expected.says):
            yield _finding(
                f"{path}.says[{index}]",
                matches(words, heard),
                _quoted(heard),
                f"a text with {words!r}",
            )
        for index, words in enumerate(expected.says_not):
            yield _finding(
                f"{path}.saysNot[{index}]",
                not matches(words, said),
                _quoted(said),
                f"a text without {words!r}",
            )
        if expected.calls is not None:
            tools = [use for turn in turns for use in turn.tools]
            yield from _calls(f"{path}.calls", expected.calls, tools)
        if expected.first_audio_ms is not None and not self._in_text:
            yield _first_audio(f"{path}.firstAudioMs", expected.first_audio_ms, turns)
        if expected.apology is not None:
            sorry = [text for text in self._apologies if text in said]
            yield _finding(
                f"{path}.apology",
                bool(sorry) == expected.apology,
                _quoted(sorry[0]) if sorry else "no apology",
                "an apology" if expected.apology else "none",
            )

    def heard(self, path: str, words: str, step: int) -> Iterator[EvalFinding]:
        """What the agent takes for heard of the turn that the step interrupted."""
        path = f"{path}.heardUpTo"
        turn = self._seen.cut_by(step)
        if turn is None:
            yield _finding(path, False, "no turn that was interrupted", f"one up to {words!r}")
            return
        more = 0 if self._in_text else MORE_WORDS
        ends = [found.end() for found in compiled(words).finditer(turn.heard)]
        after = len(turn.heard[ends[-1] :].split()) if ends else 0
        expected = f"words that end with {words!r}" + (f" and at most {more} more" if more else "")
        yield _finding(path, bool(ends) and after <= more, _quoted(turn.heard), expected)
        if turn.heard_on_line is not None:
            error = turn.words_error or 0
            found = f"{_quoted(turn.heard)}, {error} words off {_quoted(turn.heard_on_line)}"
            yield _finding(
                path, error <= WORDS_ERROR, found, "what the recording has, to within a word"
            )
        if self._seen.requests:
            yield self._told(path, turn)

    def _told(self, path: str, turn: BotTurn) -> EvalFinding:
        """What the model was told that the bot had said, in the last request."""
        heard = _letters(turn.heard)
        history = [
            str(message.get("content") or "")
            for message in self._seen.requests[-1]
            if message.get("role") == "assistant"
        ]
        told = [text for text in history if text and heard.endswith(_letters(text))]
        found = _quoted(told[-1] if told else " / ".join(history))
        expected = f"a history with {_quoted(turn.heard)}"
        return _finding(path, bool(told) or not heard, found, expected)

    def end(self, expected: ConversationExpectation) -> Iterator[EvalFinding]:
        """How the conversation ended."""
        seen = self._seen
        if expected.ends is not None:
            ending = seen.ending.value
            yield _finding("expect.ends", ending == expected.ends, ending, expected.ends)
        if expected.goto is not None:
            found = seen.goto or "no transfer"
            yield _finding("expect.goto", seen.goto == expected.goto, found, expected.goto)
        if expected.turns is not None:
            turns = sum(bool(turn.text or turn.digits) for turn in seen.caller)
            yield _finding("expect.turns", turns == expected.turns, f"{turns}", f"{expected.turns}")


def _calls(
    path: str, expected: Sequence[ExpectedCall], used: Sequence[ToolUse]
) -> Iterator[EvalFinding]:
    found = ", ".join(f"{use.name}({use.arguments or '{}'})" for use in used) or "no tool call"
    if not expected:
        yield _finding(path, not used, _cut(found), "no tool call")
    left = list(used)
    for index, call in enumerate(expected):
        at = next((at for at, use in enumerate(left) if _is_call(call, use)), None)
        wanted = f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})"
        yield _finding(f"{path}[{index}]", at is not None, _cut(found), wanted)
        left = left[at + 1 :] if at is not None else left


def _is_call(expected: ExpectedCall, use: ToolUse) -> bool:
    if expected.name != use.name:
        return False
    try:
        arguments = json.loads(use.arguments or "{}")
    except ValueError:
        return False
    return is_part(expected.arguments, arguments)


def is_part(expected: Any, found: Any) -> bool:
    """Whether the JSON value `expected` is in `found`: objects may have more, texts are patterns
    if they are between slashes."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and is_part(value, found[key]) for key, value in expected.items()
        )
    if isinstance(expected, str) and isinstance(found, str) and is_expression(expected):
        return matches(expected, found)
    return bool(expected == found)


def _first_audio(path: str, budget_ms: int, turns: Sequence[BotTurn]) -> EvalFinding:
    times = [t for turn in turns if (t := turn.stages.first_audio_ms) is not None]
    found = f"{max(times):.0f} ms" if times else "no answer to measure"
    return _finding(path, bool(times) and max(times) <= budget_ms, found, f"at most {budget_ms} ms")


def _finding(path: str, passed: bool, found: str, expected: str) -> EvalFinding:
    return EvalFinding(path, f"found {found}; expected {expected}", passed)


def _quoted(text: str) -> str:
    return repr(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
