"""A dialogue that speaks a fixed script, for measurements and tests."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

from media_pod.dialogues.heard_letters import letters_of
from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    DialogueState,
    HangUp,
    Interruption,
    Pause,
    Play,
    RuleDialogue,
    Say,
    Transfer,
    checked_state,
)
from media_pod.providers.ports import ProviderError
from media_pod.providers.requests import RequestObserver


class AtEnd(Enum):
    """What happens after the last item of the script."""

    HANG_UP = "hang-up"
    LISTEN = "listen"
    """Stay silent until the caller hangs up."""
    REPEAT = "repeat"
    """Start again, until the caller hangs up."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a script: an act and the pause after it."""

    act: Say | Play | Transfer
    pause_ms: int = 0

    @property
    def letters(self) -> int:
        """Its length in the `heard` text of an `Interruption`."""
        match self.act:
            case Say(text):
                return letters_of(text)
            case Play(name):
                return letters_of(name)
            case Transfer():
                return 0


class Scripted(RuleDialogue):
    """Speaks the whole script in one turn; only an interruption stops it.

    After an interruption, the next `reply` skips the rest of the interrupted item, and continues
    with the next one. The interrupted item is derived from the words that were heard, because items
    are taken from the iterator long before they are played. A text is repeated if no word of it was
    heard. A recording counts as one word, which is heard at its end; an interrupted one is skipped.
    After a false stop the interrupted item is said again.
    """

    name = "scripted"

    def __init__(self, items: Sequence[Item], at_end: AtEnd = AtEnd.HANG_UP) -> None:
        """Start at the first item.

        Args:
            items: the script, at least one item.
            at_end: what to do after the last item.

        Raises:
            ProviderError: `items` is empty.
        """
        if not items:
            raise ProviderError("scripted dialogue: the script has 0 items, expected at least 1")
        self._items = tuple(items)
        self._at_end = at_end
        # Both keep counting over repetitions of the script.
        self._turn_start = 0
        self._taken = 0
        self._interrupted: int | None = None
        """The item that was."""

    @classmethod
    def for_call(
        cls, items: Sequence[Item], at_end: AtEnd, call: CallInfo, observer: RequestObserver
    ) -> Self:
        """With the first two arguments bound, a `DialogueFactory`."""
        return cls(items, at_end)

    async def greet(self) -> AsyncGenerator[Act, None]:
        """Speak the script from its start."""
        async for act in self._rest():
            yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """Speak the rest of the script; ignores the caller's words."""
        if turn.false_stop and self._interrupted is not None:
            self._taken = self._interrupted
        self._interrupted = None
        async for act in self._rest():
            yield act

    def interrupted(self, cut: Interruption) -> None:
        """Return to the item after the interrupted one."""
        letters_left = letters_of(cut.heard)
        for number in range(self._turn_start, self._taken):
            item = self._item(number)
            if letters_left < item.letters:
                again = isinstance(item.act, Say) and letters_left == 0
                self._taken = number if again else number + 1
                self._interrupted = number
                return
            letters_left -= item.letters

    def snapshot(self) -> DialogueState:
        """Where in the script it is; see `Dialogue.snapshot`."""
        return {"turn_start": self._turn_start, "taken": self._taken}

    def restore(self, state: DialogueState) -> None:
        """See `Dialogue.restore`."""
        found = checked_state(state, self.name, "turn_start", "taken")
        self._turn_start, self._taken = found["turn_start"], found["taken"]

    def _item(self, number: int) -> Item:
        return self._items[number % len(self._items)]

    async def _rest(self) -> AsyncGenerator[Act, None]:
        self._turn_start = self._taken
        while self._at_end is AtEnd.REPEAT or self._taken < len(self._items):
            item = self._item(self._taken)
            self._taken += 1
            yield item.act
            if isinstance(item.act, Transfer):
                return
            if item.pause_ms:
                yield Pause(item.pause_ms)
        if self._at_end is AtEnd.HANG_UP:
            yield HangUp("the script is over")
