"""Interfaces of what a language model may call (`Tool`) and of where it comes from (`ToolSource`).

A tool never raises into a conversation. What goes wrong is a result that the model can act on: it
names what failed and what is allowed.

A call may have effects that must not happen twice, such as a booking:

- An interruption of the conversation does not cancel it. It goes on in the background until its own
  deadline, and the model gets its result at the next turn (`dialogues.agent.tool_runs`). Only the
  end of a pod cancels it.
- It is sent once. A tool does not repeat a request that may have arrived, whatever the answer; it
  says that the call was perhaps carried out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from media_pod.providers.chat import JsonObject, ToolSpec

MAX_RESULT_CHARACTERS: Final = 4000
"""About 1000 tokens: every result is sent again with each later request of the conversation."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told. A longer text is cut, and says so at its end."""

    text: str
    """At most `MAX_RESULT_CHARACTERS`."""
    is_error: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", shortened(self.text, MAX_RESULT_CHARACTERS))


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning with a note that it was cut: at most `limit` characters (>= 100)."""
    if len(text) <= limit:
        return text
    note = f" [cut: {len(text)} characters, the first of them above]"
    return text[: limit - len(note)] + note


class Tool(Protocol):
    """One function that the model may call."""

    @property
    def spec(self) -> ToolSpec:
        """Its name, description and parameters, for the model."""

    @property
    def filler(self) -> str:
        """Sentence for a caller who waits for the result; "" for none."""

    async def call(self, arguments: JsonObject) -> ToolResult:
        """Do it. Never raises; cancelling it cancels the peer's work.

        Args:
            arguments: as `parse_arguments` returns them; checked here against the parameters.
        """


class ToolSource(Protocol):
    """Tools that share a connection, for the life of a pod."""

    @property
    def name(self) -> str:
        """For messages, and the prefix of a tool whose name is taken."""

    @property
    def tools(self) -> Sequence[Tool]:
        """What can be called now; may change between two turns. The last known
        ones while a server is away: their calls fail at once, and say so."""

    async def start(self) -> None:
        """Load packages, start processes, connect; once, before the first use, outside calls.

        A server that does not answer is no error here: it may come back before it is needed.

        Raises:
            SetupError: a package is missing.
        """

    async def check(self) -> str:
        """Try it without calling a tool, as `interject check` does, after `start`.

        Returns:
            One line: what was found.

        Raises:
            ProviderError: it would not work in a call; the message has what was found.
        """

    async def aclose(self) -> None:
        """End connections and processes."""
