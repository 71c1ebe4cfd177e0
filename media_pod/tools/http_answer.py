"""What a model is told of an HTTP answer: JSON without its blanks, the text of HTML, no binary."""

import codecs
import json
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import Final

from media_pod.tools.html_text import html_text
from media_pod.tools.ports import MAX_RESULT_CHARACTERS, ToolResult, shortened

MAX_BODY_BYTES: Final = 256 * 1024
"""Of an answer that are read: the text of a web page may begin after 100 KB of scripts."""
_MAX_JSON_CHARACTERS: Final = 32 * 1024
"""Parsed and written at once on the event loop; measured, 0.5 ms."""
_MAX_ERROR_CHARACTERS: Final = 500
_TEXTS: Final = frozenset({"xml", "javascript", "x-www-form-urlencoded", "yaml", "x-yaml"})
_ENCODINGS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16"})
"""Of Python's codecs those that texts on the web are in; some others take quadratic time."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer of a server, as far as it was read."""

    status: int
    content_type: str
    """The header field; "" if there is none."""
    body: bytes
    """At most `MAX_BODY_BYTES`."""
    whole: bool
    """Nothing of the body is missing."""


async def as_result(answer: HttpAnswer, redacted: Callable[[str], str]) -> ToolResult:
    """The answer as a result, without secrets: an error unless its status is 2xx."""
    header = Message()
    header["content-type"] = answer.content_type or "text/plain"
    kind, charset = header.get_content_type(), header.get_content_charset("utf-8")
    text = await _text(answer, kind, charset)
    text = redacted(text) if text is not None else None
    if not 200 <= answer.status < 300:
        short = shortened(text or "", _MAX_ERROR_CHARACTERS)
        return ToolResult(f"HTTP status {answer.status}: {short or 'no content'}", is_error=True)
    if text is None:
        return ToolResult(
            f"The answer is binary ({kind}, {len(answer.body)} bytes); expected JSON or text.",
            is_error=True,
        )
    if not text:
        return ToolResult(f"Done; HTTP status {answer.status}, no content.")
    return ToolResult(text)


async def _text(answer: HttpAnswer, kind: str, charset: str) -> str | None:
    """The text for the model; None if the answer is binary."""
    main, _, sub = kind.partition("/")
    is_json = sub == "json" or sub.endswith("+json")
    is_text = main == "text" or is_json or sub in _TEXTS or sub.endswith("+xml")
    if not answer.body:
        return ""
    decoded = _decoded(answer.body, charset)
    if not is_text or "\x00" in decoded:
        return None
    if sub in ("html", "xhtml+xml"):
        text = await html_text(decoded, MAX_RESULT_CHARACTERS)
        return f"(text of an HTML page, not JSON) {text}"
    compact = _compact(decoded) if is_json and answer.whole else None
    text = compact or decoded.strip()
    if answer.whole:
        return text
    note = f"(only the first {len(answer.body)} bytes of the answer were read) "
    return note + text


def _compact(text: str) -> str | None:
    """JSON on one line; None if it is none, or too much to parse on the loop."""
    if len(text) > _MAX_JSON_CHARACTERS:
        return None
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _decoded(body: bytes, charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        name = ""
    return body.decode(name if name in _ENCODINGS else "utf-8", errors="replace")
