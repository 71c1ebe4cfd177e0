"""A stand-in for a language model: OpenAI's chat completions, answered by rules, streamed.

https://platform.openai.com/docs/api-reference/chat-streaming. Token times are those of the
scenario; a token is a word with the blank before it.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from interject_lab.evaluation.scenario.stand_in_settings import ModelRule, ModelSettings
from interject_lab.evaluation.scenario.words import matches
from interject_lab.evaluation.stand_ins.web import MAX_BODY_BYTES

MAX_REQUESTS: Final = 1000
"""Of one conversation; the messages of later ones are not kept."""
_TOKEN: Final = re.compile(r"\s*\S+\s*$|\s*\S+")

Message = Mapping[str, Any]


class StandInModel:
    """One model, for one conversation.

    Args:
        settings: times and rules.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._calls = 0
        self.requests: list[Sequence[dict[str, Any]]] = []
        """The messages of each request, in order."""
        self.problems: list[str] = []
        """Messages for which there was no rule."""
        self.app = web.Application(client_max_size=MAX_BODY_BYTES)
        self.app.router.add_post("/v1/chat/completions", self._chat)
        self.app.router.add_get("/v1/models", self._models)

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        messages = body["messages"]
        if len(self.requests) < MAX_REQUESTS:
            self.requests.append(messages)
        rule = matching_rule(self._settings.rules, messages)
        if rule is None:
            last = messages[-1]
            reason = f"no rule of model.rules for the {last['role']} message {last['content']!r}"
            self.problems.append(f"found {reason}; expected one")
            error = {"message": reason, "type": "invalid_request_error"}
            return web.json_response({"error": error}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        wait_ms = self._settings.first_token_ms
        for delta in self._deltas(rule):
            await asyncio.sleep(wait_ms / 1000)
            await response.write(_event({"choices": [{"index": 0, "delta": delta}]}))
            wait_ms = self._settings.token_ms
        reason = "tool_calls" if rule.calls else "stop"
        end = {"index": 0, "delta": {}, "finish_reason": reason}
        await response.write(_event({"choices": [end], "usage": _usage(messages, rule)}))
        await response.write(b"data: [DONE]\n\n")
        return response

    def _deltas(self, rule: ModelRule) -> Iterator[dict[str, Any]]:
        for token in _TOKEN.findall(rule.say):
            yield {"content": token}
        for index, call in enumerate(rule.calls):
            self._calls += 1
            name = {"name": call.name, "arguments": ""}
            first = {"index": index, "id": f"call_{self._calls}", "type": "function"}
            yield {"tool_calls": [first | {"function": name}]}
            arguments = json.dumps(call.arguments, ensure_ascii=False)
            yield {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def matching_rule(rules: Sequence[ModelRule], messages: Sequence[Message]) -> ModelRule | None:
    """The first rule for a conversation that ends with the last of `messages`."""
    last = messages[-1]
    text = str(last.get("content") or "")
    return next((rule for rule in rules if _applies(rule, str(last.get("role")), text)), None)


def _applies(rule: ModelRule, role: str, text: str) -> bool:
    when = rule.when
    of_caller = when.caller is None or (role == "user" and matches(when.caller, text))
    of_tool = when.result is None or (role == "tool" and matches(when.result, text))
    return of_caller and of_tool


def _event(chunk: dict[str, Any]) -> bytes:
    whole = {"id": "stand-in", "object": "chat.completion.chunk", "model": "stand-in", **chunk}
    return f"data: {json.dumps(whole, ensure_ascii=False)}\n\n".encode()


def _usage(messages: Sequence[Message], rule: ModelRule) -> dict[str, int]:
    read = sum(len(str(message.get("content") or "").split()) for message in messages)
    return {"prompt_tokens": read, "completion_tokens": len(rule.say.split()) + len(rule.calls)}
