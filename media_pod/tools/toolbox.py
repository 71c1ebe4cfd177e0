"""All tools of an agent: those of several sources under names that are unique."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from media_pod.providers.chat import JsonObject, ToolSpec
from media_pod.tools.names import prefixed
from media_pod.tools.ports import Tool, ToolResult, ToolSource


@dataclass(frozen=True, slots=True)
class PrefixedTool:
    """A tool under another name."""

    tool: Tool
    spec: ToolSpec

    @property
    def filler(self) -> str:
        """See `Tool`."""
        return self.tool.filler

    async def call(self, arguments: JsonObject) -> ToolResult:
        """See `Tool`."""
        return await self.tool.call(arguments)


class Toolbox:
    """Several sources as one `ToolSource`.

    The names in a document are kept. A name that two servers have, or that is taken by a tool of
    the document, gets the name of its server in front of it: crm_search.
    """

    name = "tools"

    def __init__(self, own: ToolSource, servers: Sequence[ToolSource] = ()) -> None:
        """
        Args:
            own: tools that the document names, each name once.
            servers: tools that servers name.
        """
        self._own, self._servers = own, tuple(servers)

    @property
    def tools(self) -> Sequence[Tool]:
        """See `ToolSource`."""
        tools = list(self._own.tools)
        count = Counter(tool.spec.name for tool in tools)
        for server in self._servers:
            count.update(tool.spec.name for tool in server.tools)
        taken = list(count)
        for server in self._servers:
            for tool in server.tools:
                if count[tool.spec.name] > 1:
                    name = prefixed(server.name, tool.spec.name, taken)
                    taken.append(name)
                    tool = PrefixedTool(tool, replace(tool.spec, name=name))
                tools.append(tool)
        return tools

    async def start(self) -> None:
        """Start all at once; see `ToolSource.start`."""
        async with asyncio.TaskGroup() as group:
            for source in (self._own, *self._servers):
                group.create_task(source.start())

    async def check(self) -> str:
        """One line of each; see `ToolSource.check`."""
        return "\n".join([await source.check() for source in (self._own, *self._servers)])

    async def aclose(self) -> None:
        """Close all at once: a process may take seconds to end."""
        await asyncio.gather(*(source.aclose() for source in (self._own, *self._servers)))
