"""The result of an MCP tool as text: its texts joined, its other parts named."""

import json
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from media_pod.tools.ports import MAX_RESULT_CHARACTERS, ToolResult

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock

_MAX_READ_CHARACTERS: Final = 2 * MAX_RESULT_CHARACTERS
"""Of each part; of more nothing would be left."""


def as_result(result: "CallToolResult", redacted: Callable[[str], str]) -> ToolResult:
    """What the model is told: the texts, or else the structured content as JSON, without secrets.

    Servers repeat structured content as text, so that only one of them is passed on.
    """
    text = "\n".join(filter(None, map(_text, result.content[:100])))
    if not text and result.structured_content is not None:
        text = _json(result.structured_content)
    if not text:
        text = "It failed without a reason." if result.is_error else "Done; no content."
    return ToolResult(redacted(text), result.is_error)


def _text(block: "ContentBlock") -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return f"[{block.type}, {block.mime_type}: cannot be spoken]"
        case "resource_link":
            return f"[resource {block.name}: {block.uri}]"
        case "resource":
            contents = block.resource
            text = getattr(contents, "text", None)
            return text if isinstance(text, str) else f"[binary resource {contents.uri}]"


def _json(value: object) -> str:
    """The beginning of a value in JSON; a large one is not written to its end."""
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
    pieces = islice(encoder.iterencode(value), _MAX_READ_CHARACTERS)
    return "".join(piece[:_MAX_READ_CHARACTERS] for piece in pieces)
