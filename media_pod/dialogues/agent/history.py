"""What the language model is shown of a call: the history, which has the bot's words as heard.

Rules
-----
- A bot's turn is open until the caller's next turn begins. It consists of steps: each has the text
  of one reply of the model and the tool calls at its end.
- When an open turn was not interrupted, the caller heard all of it.
- When it was, the texts end at the last heard word. What was not heard is kept apart, for a resumed
  turn and for records, and the model never sees it as said.
- Fixed sentences, such as a filler, take part in what was heard and are not in the history.
- Every tool call has a result; servers reject a history in which one is missing.
- A caller who goes on before the bot's first sound has not been answered: the next turn repeats all
  of the words, and takes the place of the first.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from media_pod.dialogues.ports import DialogueState, checked_state
from media_pod.providers.chat import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)

INTERRUPTED: Final = "[The caller interrupted you here and heard nothing after it.]"
"""Precedes the caller's words: servers of some models reject other roles in between."""
NO_RESULT: Final = "No result: the call was interrupted before the tool finished."
CONTINUED: Final = "[The caller went on speaking; this repeats the words before.]"


@dataclass(slots=True)
class _Spoken:
    """A text that was given to the voice."""

    text: str
    in_history: bool


@dataclass(slots=True)
class Step:
    """One reply of the model within a turn."""

    spoken: list[_Spoken] = field(default_factory=list)
    calls: tuple[ToolCall, ...] = ()
    results: dict[str, str] = field(default_factory=dict)
    """By id of the call."""

    def say(self, text: str, *, in_history: bool = True) -> None:
        """`text` was given to the voice."""
        self.spoken.append(_Spoken(text, in_history))

    def messages(self) -> list[Message]:
        """As the model is shown it."""
        text = " ".join(said.text for said in self.spoken if said.in_history and said.text)
        if not text and not self.calls:
            return []
        results = [ToolMessage(call.id, self._result(call)) for call in self.calls]
        return [AssistantMessage(text, self.calls), *results]

    def _result(self, call: ToolCall) -> str:
        return self.results.get(call.id, NO_RESULT)


class History:
    """The conversation of one call."""

    def __init__(self) -> None:
        self._closed: list[Message] = []
        self._open: list[Step] = []
        self._interrupted = False
        self._repeats = False
        """The caller goes on with a turn that was not answered."""
        self.unheard = ""
        """What the caller did not hear of the latest turn of the bot."""

    @property
    def ends_with_question(self) -> bool:
        """The bot's last heard words are a question."""
        last = next(reversed(self.messages()), None)
        text = last.text if isinstance(last, AssistantMessage) else ""
        return text.rstrip().endswith(("?", "？", "؟"))

    def messages(self) -> list[Message]:
        """Everything, in order; the open turn counts as heard."""
        of_open = [message for step in self._open for message in step.messages()]
        return [*self._closed, *of_open]

    def begin_step(self) -> Step:
        """The model begins to reply."""
        self._open.append(Step())
        return self._open[-1]

    def close_turn(self) -> None:
        """The bot's turn is over; another of the bot may follow, after a silence of the caller."""
        for message in (message for step in self._open for message in step.messages()):
            self._append(message)
        self._open.clear()

    def caller(self, text: str) -> None:
        """The caller's next turn: closes the bot's."""
        self.close_turn()
        self.unheard = ""
        notes = [INTERRUPTED] if self._interrupted else []
        before = self._closed[-1] if self._closed else None
        if isinstance(before, UserMessage):
            # Two messages of the same role in a row are an error for some servers.
            self._closed.pop()
            text = text if self._repeats else f"{before.text}\n{text}"
            notes = []
        elif self._repeats:
            notes = [CONTINUED]
        self._interrupted = self._repeats = False
        self._closed.append(UserMessage("\n".join([*notes, text])))

    def interrupted(self, heard: str, *, answered: bool) -> None:
        """The open turn was cut.

        Args:
            heard: the words of all that was spoken in it, up to the last heard one.
            answered: the bot had begun to answer, so the caller's words are not repeated.
        """
        left = _letters(heard)
        unheard: list[str] = []
        for step in self._open:
            for said in step.spoken:
                part, rest, left = _split(said.text, left)
                said.text = part
                if rest and said.in_history:
                    unheard.append(rest)
        self.unheard = " ".join(unheard)
        self._interrupted, self._repeats = answered, not answered
        if not answered and not any(step.calls for step in self._open):
            self._open.clear()

    def _append(self, message: Message) -> None:
        before = self._closed[-1] if self._closed else None
        if isinstance(message, AssistantMessage) and isinstance(before, AssistantMessage):
            # As for the caller: no two messages of one role in a row.
            self._closed.pop()
            message = AssistantMessage(f"{before.text} {message.text}".strip(), message.calls)
        self._closed.append(message)

    def snapshot(self) -> DialogueState:
        """As JSON has it."""
        return {"messages": [_as_json(message) for message in self.messages()]}

    def restore(self, state: DialogueState) -> None:
        """Go on from `snapshot`. Raises ProviderError."""
        found = checked_state(state, "the history", "messages")
        self._closed = [_from_json(message) for message in found["messages"]]
        self._open.clear()


def _split(text: str, letters: int) -> tuple[str, str, int]:
    """`text` up to the word in which its first `letters` non-blank characters end.

    Counted in characters and not in words: a voice may split a text into other words, and some
    languages have no spaces.

    Returns:
        The heard part, the rest, and how many of `letters` are left for the text after.
    """
    if letters >= _letters(text):
        return text, "", letters - _letters(text)
    seen = 0
    for index, sign in enumerate(text):
        if seen == letters:
            return text[:index].rstrip(), text[index:].lstrip(), 0
        seen += not sign.isspace()
    return text, "", 0


def _letters(text: str) -> int:
    return sum(not sign.isspace() for sign in text)


def _as_json(message: Message) -> dict[str, Any]:
    match message:
        case AssistantMessage(text, calls):
            made = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in calls]
            return {"role": "assistant", "text": text, "calls": made}
        case ToolMessage(call_id, text):
            return {"role": "tool", "text": text, "call_id": call_id}
        case UserMessage(text):
            return {"role": "user", "text": text}
    raise AssertionError("instructions are no part of the history")


def _from_json(message: dict[str, Any]) -> Message:
    match message["role"]:
        case "assistant":
            calls = tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in message["calls"])
            return AssistantMessage(message["text"], calls)
        case "tool":
            return ToolMessage(message["call_id"], message["text"])
    return UserMessage(message["text"])
