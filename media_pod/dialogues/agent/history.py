"""What the language model is shown of a call: the history, which has the bot's words as heard.

Rules
-----
- A bot's turn is open until the caller's next turn begins. It consists of steps: each has the text
  of one reply of the model and the tool calls at its end.
- When an open turn was not interrupted, the caller heard all of it.
- When it was, the texts end at the last heard word. What was not heard is kept apart, for a resumed
  turn and for records, and the model never sees it as said.
- Fixed sentences, such as a filler, take part in what was heard and are not in the history.
- Every tool call has a result; servers reject a history in which one is missing. The result of a
  call that goes on in the next turn takes its place when it comes.
- A caller who goes on before the bot's first sound has not been answered: the next turn repeats all
  of the words, and takes the place of the first.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from media_pod.dialogues.heard_letters import letters_of
from media_pod.dialogues.ports import DialogueState, checked_state
from media_pod.providers.chat import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from media_pod.providers.ports import ProviderError
from media_pod.providers.tts.spoken_words import joined

INTERRUPTED: Final = "[The caller interrupted you here and heard nothing after it.]"
"""Precedes the caller's words: servers of some models reject other roles in between."""
NO_RESULT: Final = "Not called: the caller went on speaking before."
"""Of calls that were never made: those that were have a result, whoever interrupts."""
CONTINUED: Final = "[The caller went on speaking; this repeats the words before.]"


@dataclass(slots=True)
class SaidText:
    """A text that was given to the voice."""

    text: str
    """It may grow while its step is open: of a model that speaks, the transcript comes later."""
    in_history: bool


@dataclass(slots=True)
class Step:
    """One reply of the model within a turn."""

    spoken: list[SaidText] = field(default_factory=list)
    calls: tuple[ToolCall, ...] = ()
    results: dict[str, str] = field(default_factory=dict)
    """By id of the call."""

    def say(self, text: str, *, in_history: bool = True) -> SaidText:
        """`text` was given to the voice."""
        self.spoken.append(SaidText(text, in_history))
        return self.spoken[-1]

    def messages(self) -> list[Message]:
        """As the model is shown it."""
        text = joined(said.text for said in self.spoken if said.in_history and said.text)
        if not text and not self.calls:
            return []
        results = [ToolMessage(call.id, self._result(call)) for call in self.calls]
        return [AssistantMessage(text, self.calls), *results]

    def _result(self, call: ToolCall) -> str:
        return self.results.get(call.id, NO_RESULT)


class History:
    """The conversation of one call."""

    def __init__(self) -> None:
        self._closed: list[UserMessage | Step] = []
        self._open: list[Step] = []
        self._interrupted = False
        self._repeats = False
        """The caller goes on with a turn that was not answered."""
        self._asked = False
        """The open turn answers words of the caller, not silence."""
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
        messages: list[Message] = []
        for item in [*self._closed, *self._open]:
            for message in item.messages() if isinstance(item, Step) else [item]:
                _append(messages, message)
        return messages

    def begin_step(self) -> Step:
        """The model begins to reply."""
        self._open.append(Step())
        return self._open[-1]

    def caller(self, text: str) -> None:
        """The caller's next turn: closes the bot's."""
        self._close_turn()
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
        self._asked = True
        self._closed.append(UserMessage("\n".join([*notes, text])))

    def amend_caller(self, placeholder: str, text: str) -> None:
        """Words of the caller that were not known when their latest turn began."""
        for index in reversed(range(len(self._closed))):
            item = self._closed[index]
            if isinstance(item, UserMessage) and placeholder in item.text:
                self._closed[index] = UserMessage(item.text.replace(placeholder, text))
                return

    def silence(self) -> None:
        """The caller's turn had no words: another turn of the bot follows its last."""
        self._close_turn()
        self._repeats = self._asked = False

    def resume(self) -> str:
        """What was not heard is said now, in a step of its own: its text."""
        rest = self.go_on()
        self.begin_step().say(rest)
        return rest

    def go_on(self) -> str:
        """The bot goes on as if it had not been interrupted: what was not heard."""
        rest, self.unheard = self.unheard, ""
        self._interrupted = False
        return rest

    def interrupted(self, heard: str, *, answered: bool) -> None:
        """The open turn was cut.

        Args:
            heard: the words of all that was spoken in it, up to the last heard one.
            answered: the bot had begun to answer, so the caller's words are not repeated.
        """
        left = letters_of(heard)
        unheard: list[str] = []
        for step in self._open:
            for said in step.spoken:
                part, rest, left = _split(said.text, left)
                said.text = part
                if rest and said.in_history:
                    unheard.append(rest)
        self.unheard = joined(unheard)
        # A turn that goes on after an earlier interruption, and is not heard, leaves that one.
        earlier = not self._asked and (self._interrupted or bool(self.unheard))
        self._interrupted = answered or earlier
        self._repeats = not answered and self._asked

    def _close_turn(self) -> None:
        """What was heard of the open turn is final; results of its calls may still come."""
        self._closed += (step for step in self._open if step.messages())
        self._open.clear()

    def snapshot(self) -> DialogueState:
        """As JSON has it."""
        return {"messages": [_as_json(message) for message in self.messages()]}

    def restore(self, state: DialogueState) -> None:
        """Go on from `snapshot`. Raises ProviderError."""
        found = checked_state(state, "the history", "messages")
        try:
            self._closed = _from_json(found["messages"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ProviderError(
                f"the history: a snapshot whose messages are not readable ({error!r})"
            ) from error
        self._open.clear()


def _append(messages: list[Message], message: Message) -> None:
    before = messages[-1] if messages else None
    if isinstance(message, AssistantMessage) and isinstance(before, AssistantMessage):
        # As for the caller: no two messages of one role in a row.
        messages.pop()
        message = AssistantMessage(f"{before.text} {message.text}".strip(), message.calls)
    messages.append(message)


def _split(text: str, letters: int) -> tuple[str, str, int]:
    """`text` up to the word in which its first `letters` non-blank characters end.

    Counted in characters and not in words: a voice may split a text into other words, and some
    languages have no spaces.

    Returns:
        The heard part, the rest, and how many of `letters` are left for the text after.
    """
    if letters >= letters_of(text):
        return text, "", letters - letters_of(text)
    seen = 0
    for index, sign in enumerate(text):
        if seen == letters:
            return text[:index].rstrip(), text[index:].lstrip(), 0
        seen += not sign.isspace()
    return text, "", 0


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


def _from_json(messages: list[dict[str, Any]]) -> list[UserMessage | Step]:
    items: list[UserMessage | Step] = []
    step = Step()
    for message in messages:
        match message["role"]:
            case "assistant":
                made = (ToolCall(c["id"], c["name"], c["arguments"]) for c in message["calls"])
                step = Step(calls=tuple(made))
                step.say(message["text"])
                items.append(step)
            case "tool":
                step.results[message["call_id"]] = message["text"]
            case _:
                items.append(UserMessage(message["text"]))
    return items
