"""Creates the tool sources of a manifest that all calls of a pod share."""

from collections.abc import Sequence

from media_pod.manifest.agent import AgentSpec
from media_pod.manifest.tools import HeaderSettings, HttpToolSettings, McpToolSettings
from media_pod.providers.secret_values import SecretReader
from media_pod.tools.ports import ToolSource


def make_tool_sources(spec: AgentSpec, secrets: SecretReader) -> tuple[ToolSource, ...]:
    """The sources of `spec.tools`, in order; HTTP tools share one.

    Raises:
        SetupError: a secret is missing, or a tool's URL or schema is invalid.
    """
    http: list[tuple[HttpToolSettings, dict[str, str]]] = []
    servers: list[ToolSource] = []
    for number, tool in enumerate(spec.tools):
        path = f"spec.tools[{number}]"
        if isinstance(tool, HttpToolSettings):
            http.append((tool, _headers(tool.headers, secrets, path)))
        elif isinstance(tool, McpToolSettings):
            from media_pod.tools.mcp import McpServer

            servers.append(McpServer(tool, _headers(tool.headers, secrets, path)))
    if http:
        from media_pod.tools.http import HttpTool, HttpTools

        servers.insert(0, HttpTools([HttpTool(tool, headers) for tool, headers in http]))
    return tuple(servers)


def _headers(headers: Sequence[HeaderSettings], secrets: SecretReader, path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, header in enumerate(headers):
        where = f"{path}.headers[{number}].valueFrom"
        secret = secrets.value(header.value_from, where)
        found[header.name] = secret if secret is not None else header.value or ""
    return found
