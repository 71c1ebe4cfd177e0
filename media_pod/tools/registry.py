"""Creates the tool sources of a manifest that all calls of a pod share."""

from collections.abc import Callable, Sequence
from functools import partial

from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.tools import HeaderSettings, HttpToolSettings, McpToolSettings
from media_pod.providers.secret_values import SecretReader
from media_pod.tools.ports import ToolSource
from media_pod.tools.toolbox import Toolbox


def make_tool_sources(spec: AgentSpec, secrets: SecretReader) -> tuple[ToolSource, ...]:
    """One source with all HTTP tools and MCP servers of `spec.tools`; none without any.

    Raises:
        SetupError: a secret is missing.
        SpecError: a tool's URL, header or schema is invalid.
    """
    http: list[tuple[HttpToolSettings, dict[str, str]]] = []
    servers: list[tuple[McpToolSettings, dict[str, str]]] = []
    for number, tool in enumerate(spec.tools):
        if isinstance(tool, HttpToolSettings):
            http.append((tool, _headers(tool.headers, secrets, number)))
        elif isinstance(tool, McpToolSettings):
            servers.append((tool, _headers(tool.headers, secrets, number)))
    if not http and not servers:
        return ()
    from media_pod.tools.http import HttpTools
    from media_pod.tools.mcp import McpServer

    return (Toolbox(HttpTools(http), [McpServer(*server) for server in servers]),)


def tool_makers(spec: AgentSpec, secrets: SecretReader) -> dict[int, Callable[[], ToolSource]]:
    """What makes each of `spec.tools` alone, by its number, to try it; raises as above."""
    sources = (HttpToolSettings, McpToolSettings)
    return {
        number: partial(_alone, tool, secrets, number)
        for number, tool in enumerate(spec.tools)
        if isinstance(tool, sources)
    }


def _alone(
    tool: HttpToolSettings | McpToolSettings, secrets: SecretReader, number: int
) -> ToolSource:
    headers = _headers(tool.headers, secrets, number)
    if isinstance(tool, McpToolSettings):
        from media_pod.tools.mcp import McpServer

        return McpServer(tool, headers)
    from media_pod.tools.http import HttpTools

    return HttpTools([(tool, headers)])


def _headers(headers: Sequence[HeaderSettings], secrets: SecretReader, tool: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, header in enumerate(headers):
        where = f"spec.tools[{tool}].headers[{number}].valueFrom"
        secret = secrets.value(header.value_from, where)
        found[header.name] = secret if secret is not None else header.value or ""
    return found
