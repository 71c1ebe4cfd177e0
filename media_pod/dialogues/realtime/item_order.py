"""The items of a server's conversation, in its order."""

from typing import Final

ROOT: Final = "root"
"""What precedes the first item, in the API's terms."""


class ItemOrder:
    """Ids of items, as the server's events tell them."""

    def __init__(self) -> None:
        self._ids: list[str] = []

    def added(self, item_id: str, previous: str) -> None:
        """An item was added after `previous`; "" if the server does not say where: at the end."""
        if not item_id or item_id in self._ids:
            return
        if previous in self._ids:
            self._ids.insert(self._ids.index(previous) + 1, item_id)
        elif previous == ROOT:
            self._ids.insert(0, item_id)
        else:
            self._ids.append(item_id)

    def deleted(self, item_id: str) -> None:
        """An item is gone."""
        if item_id in self._ids:
            self._ids.remove(item_id)

    def before(self, item_id: str) -> str | None:
        """What an item that replaces `item_id` is put after; None for the end, if it is unknown."""
        if item_id not in self._ids:
            return None
        index = self._ids.index(item_id)
        return self._ids[index - 1] if index else ROOT
