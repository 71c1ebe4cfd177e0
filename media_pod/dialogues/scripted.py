"""A dialogue that follows a script whatever the caller says: for benches and measurements."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

from media_pod.dialogues.ports import (
    Act,
    CallerTurn,
    CallInfo,
    HangUp,
    Interruption,
    Pause,
    Play,
    Say,
    Transfer,
)
from media_pod.providers.ports import ProviderError


class AtEnd(Enum):
    """What becomes of the call when the script is over."""

    HANG_UP = "hang-up"
    LISTEN = "listen"
    """Say nothing any more, whatever the caller does."""
    REPEAT = "repeat"
    """Begin again, and so on until the caller hangs up."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a script: what is said, played or done, and the silence after it."""

    act: Say | Play | Transfer
    pause_ms: int = 0

    @property
    def words(self) -> int:
        """What of it counts when what was heard is told."""
        match self.act:
            case Say(text):
                return len(text.split())
            case Play(name):
                return len(name.split())
            case Transfer():
                return 0


class Scripted:
    """Talks on, one turn for the whole script, and stops only when it is interrupted.

    An interruption costs the item in which it fell: the next `reply` goes on with the one after.
    Which one that was follows from the words that were heard, because items may have been taken
    from the iterator long before they are played. A text of which no word was heard is said again;
    a recording is one word, heard at its end, and so counts as cut wherever it was.
    """

    def __init__(self, items: Sequence[Item], at_end: AtEnd = AtEnd.HANG_UP) -> None:
        """Begin at the first item.

        Args:
            items: the script, at least one item.
            at_end: what to do after the last.

        Raises:
            ProviderError: no items.
        """
        if not items:
            raise ProviderError("scripted dialogue: the script has 0 items, expected at least 1")
        self._items = tuple(items)
        self._at_end = at_end
        # Both count on over repetitions of the script.
        self._turn_start = 0
        self._taken = 0

    @classmethod
    def for_call(cls, items: Sequence[Item], at_end: AtEnd, call: CallInfo) -> Self:
        """The script as a `DialogueFactory`, with the first two arguments bound."""
        return cls(items, at_end)

    async def greet(self) -> AsyncGenerator[Act, None]:
        """The script from its beginning."""
        async for act in self._rest():
            yield act

    async def reply(self, turn: CallerTurn) -> AsyncGenerator[Act, None]:
        """What is left of the script; the caller's words do not matter."""
        async for act in self._rest():
            yield act

    def interrupted(self, cut: Interruption) -> None:
        """Go back to the item after the one in which the caller spoke."""
        unaccounted = len(cut.heard.split())
        for number in range(self._turn_start, self._taken):
            item = self._item(number)
            if unaccounted < item.words:
                again = isinstance(item.act, Say) and unaccounted == 0
                self._taken = number if again else number + 1
                return
            unaccounted -= item.words

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
