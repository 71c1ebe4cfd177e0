"""Puts the tool calls of a streamed reply together.

By the API, the first delta of a call has an index, an id and a name, the later ones the index and a
piece of the arguments (https://platform.openai.com/docs/api-reference/chat-streaming). Servers
differ: index 0 for all calls or none at all, ids that are missing or new in every delta, a name in
every delta, arguments as an object. So a delta belongs to

1. the call with its id, unless that has another index;
2. a new call, if it has a name, and an id or a name that the last call of its index does not have;
3. the last call of its index, else the last call.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from media_pod.providers.chat import ToolCall
from media_pod.providers.ports import FailureKind, ProviderError

MAX_CALLS: Final = 64
"""In one reply."""
MAX_ARGUMENTS_CHARS: Final = 64 * 1024
"""Of one call."""


@dataclass(slots=True)
class _OpenCall:
    index: int | None
    id: str
    name: str
    arguments: str = ""

    @property
    def complete(self) -> bool:
        return is_json_object(self.arguments)

    def add(self, arguments: object) -> None:
        if isinstance(arguments, Mapping):
            self.arguments = json.dumps(arguments)
        elif isinstance(arguments, str):
            self.arguments += arguments
        elif arguments is not None:
            raise _bad_answer(f"arguments of the type {type(arguments).__name__}, expected text")
        if len(self.arguments) > MAX_ARGUMENTS_CHARS:
            raise _bad_answer(
                f"more than {MAX_ARGUMENTS_CHARS} characters of arguments, expected fewer"
            )


class ToolCallDeltas:
    """The calls of one reply."""

    def __init__(self, taken_ids: Iterable[str], new_id: Callable[[], str]) -> None:
        """Expect the deltas of a reply.

        Args:
            taken_ids: ids of earlier calls of the conversation; a server may use them again.
            new_id: makes an id for a call that has none of its own.
        """
        self._taken_ids = set(taken_ids)
        self._new_id = new_id
        self._calls: list[_OpenCall] = []

    @property
    def size_chars(self) -> int:
        """Length of all names and arguments so far."""
        return sum(len(call.name) + len(call.arguments) for call in self._calls)

    def feed(self, deltas: object) -> None:
        """Add the `tool_calls` of a chunk.

        Raises:
            ProviderError: not of the protocol, or beyond a limit.
        """
        if not isinstance(deltas, list):
            raise _bad_answer(f"tool_calls of the type {type(deltas).__name__}, expected a list")
        for delta in deltas:
            if not isinstance(delta, Mapping):
                raise _bad_answer(f"a tool call of the type {type(delta).__name__}")
            self._add(delta)

    def finish(self, cut: bool) -> Iterator[ToolCall]:
        """The calls in order, each with an id of its own.

        Args:
            cut: the reply ended early, so its last call is left out unless its arguments are whole.

        Raises:
            ProviderError: a call without a name.
        """
        if cut and self._calls and not self._calls[-1].complete:
            del self._calls[-1]
        for call in self._calls:
            if not call.name:
                raise _bad_answer(f"a tool call without a name, arguments {call.arguments[:80]!r}")
            own = call.id if call.id and call.id not in self._taken_ids else self._new_id()
            self._taken_ids.add(own)
            yield ToolCall(own, call.name, call.arguments)

    def _add(self, delta: Mapping[str, Any]) -> None:
        given = delta.get("function")
        function = given if isinstance(given, Mapping) else {}
        index = delta.get("index")
        id_, name = _text(delta.get("id")), _text(function.get("name"))
        call = self._owner(index if isinstance(index, int) else None, id_, name)
        call.id = call.id or id_
        call.name = call.name or name
        call.add(function.get("arguments"))

    def _owner(self, index: int | None, id_: str, name: str) -> _OpenCall:
        latest = self._calls[::-1]
        for call in latest:
            if id_ and call.id == id_ and index in (None, call.index):
                return call
        last = next((call for call in latest if call.index == index), None)
        if name and (last is None or not _repeats(last, id_, name)):
            return self._begun(index, id_, name)
        if last is not None:
            return last
        return latest[0] if latest else self._begun(index, id_, name)

    def _begun(self, index: int | None, id_: str, name: str) -> _OpenCall:
        if len(self._calls) == MAX_CALLS:
            raise _bad_answer(f"more than {MAX_CALLS} tool calls, expected fewer")
        self._calls.append(_OpenCall(index, id_, name))
        return self._calls[-1]


def is_json_object(text: str) -> bool:
    """Whether `text` is a whole JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _repeats(call: _OpenCall, id_: str, name: str) -> bool:
    """Whether a delta with a name goes on with `call`."""
    return not call.name or (not id_ and call.name == name and not call.complete)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _bad_answer(text: str) -> ProviderError:
    return ProviderError(text, FailureKind.BAD_ANSWER)
