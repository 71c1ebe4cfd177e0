"""The list of an MCP server's tools, translated for a language model."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from media_pod.manifest.tools import McpToolSettings
from media_pod.providers.chat import JsonObject, ToolSpec
from media_pod.tools.arguments import ArgumentSchema, ToolSchemaError
from media_pod.tools.names import model_names
from media_pod.tools.ports import ToolResult

if TYPE_CHECKING:
    import mcp_types
    from mcp import Client

_log = logging.getLogger(__name__)

MAX_TOOLS: Final = 500
_MAX_PAGES: Final = 50
_MAX_DESCRIPTION: Final = 1024
"""Characters that OpenAI's API takes."""


class McpCaller(Protocol):
    """The server, as its tools see it."""

    settings: McpToolSettings

    async def call(self, tool: "McpTool", arguments: JsonObject) -> ToolResult:
        """Call one of its tools."""


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of an MCP server as a `Tool`."""

    spec: ToolSpec
    server_name: str
    """Its name on the server."""
    schema: ArgumentSchema
    server: McpCaller

    @property
    def filler(self) -> str:
        """See `Tool`."""
        return self.server.settings.filler

    async def call(self, arguments: JsonObject) -> ToolResult:
        """See `Tool`."""
        return await self.server.call(self, arguments)


async def listed(client: "Client") -> "list[mcp_types.Tool]":
    """All pages of the server's list, at most `MAX_TOOLS` tools."""
    tools: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None or len(tools) >= MAX_TOOLS:
            break
    return tools[:MAX_TOOLS]


def made(tools: "list[mcp_types.Tool]", server: McpCaller) -> tuple[McpTool, ...]:
    """Those that the model may call, under names that it takes; checks the schemas.

    A tool with an unusable schema is left out with a warning: one of them makes language models'
    servers reject every request.
    """
    settings = server.settings
    allowed = set(settings.allowed_tools) or {tool.name for tool in tools}
    by_name = {tool.name: tool for tool in tools if tool.name in allowed}
    result = []
    for name, server_name in model_names(by_name).items():
        tool = by_name[server_name]
        parameters = _parameters(tool.input_schema)
        try:
            schema = ArgumentSchema(parameters, patterns=False)
        except ToolSchemaError as error:
            _log.warning("mcp %s: tool %s left out: %s", settings.name, server_name, error)
            continue
        description = (tool.description or tool.title or name)[:_MAX_DESCRIPTION]
        spec = ToolSpec(name, description, parameters)
        result.append(McpTool(spec, server_name, schema, server))
    return tuple(result)


def _parameters(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what language models' servers insist on, without what they reject."""
    kept = {key: value for key, value in schema.items() if key != "$schema"}
    return {"type": "object", "properties": {}} | kept
