"""Makes the server's history end where the caller's hearing ended.

A truncation cuts an item at the heard millisecond; the server then has the heard audio. Where it
fails, or stays unanswered by a server that does not know it, the item is deleted and one with the
heard text takes its place.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from media_pod.dialogues.realtime.item_order import ItemOrder
from media_pod.dialogues.realtime.server import RealtimeServer
from media_pod.providers.chat import AssistantMessage, JsonObject, Message

TRUNCATED_S: Final = 1.0
"""Limit for the answer to a truncation: the caller, who has just begun to speak, takes longer."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Truncation:
    """A truncation without an answer."""

    event_id: str
    heard_text: str
    timer: asyncio.TimerHandle


class Corrections:
    """The corrections of one session's history.

    Args:
        server: learns whether it truncates.
        order: of the items.
        send: queues a command; returns its event id.
        items: makes a message the items of a conversation.
    """

    def __init__(
        self,
        server: RealtimeServer,
        order: ItemOrder,
        send: Callable[[JsonObject], str],
        items: Callable[[Message], Sequence[JsonObject]],
    ) -> None:
        self._server = server
        self._order = order
        self._send = send
        self._items = items
        self.rejected = 0
        """Truncations that the server refused."""
        self._open: dict[str, _Truncation] = {}
        self._deleted: set[str] = set()
        self._settled = asyncio.Event()
        self._settled.set()

    async def settled(self) -> None:
        """Wait until no truncation is without an answer, `TRUNCATED_S` at most."""
        await self._settled.wait()

    def cut(self, item_id: str, heard_ms: int, heard_text: str) -> None:
        """Of an item, `heard_ms` were heard, which is less than it has: `heard_text`."""
        if heard_ms <= 0:
            self.replace(item_id, "")
        elif not self._server.truncates:
            self.replace(item_id, heard_text)
        else:
            self._truncate(item_id, heard_ms, heard_text)

    def replace(self, item_id: str, text: str) -> None:
        """In place of an item, the assistant has said `text`; nothing if that is ""."""
        previous = self._order.before(item_id)
        self.delete(item_id)
        place = {} if previous is None else {"previous_item_id": previous}
        for item in self._items(AssistantMessage(text)):
            self._send({"type": "conversation.item.create", "item": item, **place})

    def delete(self, item_id: str) -> None:
        """An item was not said; said twice, it is deleted once."""
        if item_id not in self._deleted:
            self._deleted.add(item_id)
            self._order.deleted(item_id)
            self._send({"type": "conversation.item.delete", "item_id": item_id})

    def on_truncated(self, item_id: str) -> None:
        """The server has truncated an item."""
        self._take(item_id)

    def on_error(self, event_id: str | None) -> bool:
        """The server rejects a command; whether it was a truncation.

        Args:
            event_id: of the command; None if the server does not say which.
        """
        for item_id, truncation in self._open.items():
            if event_id in (truncation.event_id, None):
                self.rejected += 1
                self._fail(item_id)
                return True
        return False

    def aclose(self) -> None:
        """The session is over: nothing is corrected any more."""
        for item_id in list(self._open):
            self._take(item_id)

    def _truncate(self, item_id: str, heard_ms: int, heard_text: str) -> None:
        event_id = self._send(
            {
                "type": "conversation.item.truncate",
                "item_id": item_id,
                "content_index": 0,
                "audio_end_ms": heard_ms,
            }
        )
        timer = asyncio.get_running_loop().call_later(TRUNCATED_S, self._late, item_id)
        self._open[item_id] = _Truncation(event_id, heard_text, timer)
        self._settled.clear()

    def _late(self, item_id: str) -> None:
        if self._server.truncates:
            self._server.truncates = False
            _logger.warning(
                "%s leaves a truncation unanswered; from now on the heard text replaces an item "
                "that was cut",
                self._server.what,
            )
        self._fail(item_id)

    def _fail(self, item_id: str) -> None:
        self.replace(item_id, self._take(item_id))

    def _take(self, item_id: str) -> str:
        """The truncation of an item is over: the text of it that was heard."""
        truncation = self._open.pop(item_id, None)
        if not self._open:
            self._settled.set()
        if truncation is None:
            return ""
        truncation.timer.cancel()
        return truncation.heard_text
