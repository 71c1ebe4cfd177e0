"""Events of a response, read without trust in their shape."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from media_pod.dialogues.realtime.response import RealtimeResponse, ResponseEnd, Status
from media_pod.providers.chat import JsonObject, ToolCall, Usage
from media_pod.providers.ports import ProviderError


def text_of(event: JsonObject, *names: str) -> str:
    """The text at a path; "" if there is none."""
    found: Any = event
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


def response_id(event: JsonObject) -> str:
    """Which response an event belongs to."""
    return text_of(event, "response_id") or text_of(event, "response", "id")


def apply(
    response: RealtimeResponse,
    kind: str,
    event: JsonObject,
    failure_of: Callable[[object], ProviderError],
) -> None:
    """Tell `response` what an event of it means.

    Args:
        response: whose.
        kind: the event's type, as GA has it.
        event: of the server.
        failure_of: makes an error of an error object.
    """
    item_id = text_of(event, "item_id") or text_of(event, "item", "id")
    if item_id:
        response.item_ids.add(item_id)
    match kind:
        case "response.output_audio.delta":
            response.on_audio(item_id, text_of(event, "delta"))
        case "response.output_audio_transcript.delta":
            response.on_text(item_id, text_of(event, "delta"))
        case "response.output_audio_transcript.done":
            response.on_whole_text(item_id, text_of(event, "transcript"))
        case "response.output_item.done":
            _end_item(response, event.get("item"))
        case "response.done":
            _finish(response, event, failure_of)


def _end_item(response: RealtimeResponse, item: object) -> None:
    if not isinstance(item, Mapping):
        return
    item_id = text_of(item, "id")
    if item.get("type") == "function_call":
        if item.get("status") != "incomplete":
            response.on_call(item_id, _call(item))
    elif item_id in response.items:
        response.on_item_end(item_id)


def _call(item: JsonObject) -> ToolCall:
    arguments = item.get("arguments")
    call_id = text_of(item, "call_id") or text_of(item, "id")
    return ToolCall(call_id, text_of(item, "name"), arguments if isinstance(arguments, str) else "")


def _finish(
    response: RealtimeResponse, event: JsonObject, failure_of: Callable[[object], ProviderError]
) -> None:
    status = text_of(event, "response", "status")
    details = _object(_object(event.get("response")).get("status_details"))
    if status == "failed":
        response.fail(failure_of(details.get("error") or "the response failed"))
        return
    output = _object(event.get("response")).get("output")
    for item in output if isinstance(output, list) else []:
        _end_item(response, item)
    response.finish(
        ResponseEnd(_status(status), text_of(details, "reason"), _usage(event.get("response")))
    )


def _status(found: str) -> Status:
    """A server without statuses has completed it."""
    return next((status for status in get_args(Status) if status == found), "completed")


def _usage(response: object) -> Usage | None:
    usage = _object(_object(response).get("usage"))
    tokens = (usage.get("input_tokens"), usage.get("output_tokens"))
    if all(isinstance(count, int) for count in tokens):
        return Usage(int(tokens[0] or 0), int(tokens[1] or 0))
    return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
