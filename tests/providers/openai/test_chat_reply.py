"""Chunks of a reply, as servers send them."""

from typing import Any

import pytest

from media_pod.providers.chat import (
    ChatItem,
    Finished,
    FinishReason,
    TextDelta,
    ToolCall,
    Usage,
)
from media_pod.providers.openai.chat_reply import MAX_REPLY_CHARS, ChatReply
from media_pod.providers.ports import FailureKind, ProviderError

STOP: Any = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}


def says(**delta: object) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": None}]}


def ends(reason: object) -> object:
    return {"choices": [{"delta": {}, "finish_reason": reason}]}


def items(*chunks: object, prompt_chars: int = 0) -> list[ChatItem]:
    reply = ChatReply(prompt_chars, (), lambda: "made")
    spoken: list[ChatItem] = [TextDelta(text) for each in chunks if (text := reply.feed(each))]
    return [*spoken, *reply.finish()]


def text(*chunks: object) -> str:
    return "".join(item.text for item in items(*chunks) if isinstance(item, TextDelta))


def finished(*chunks: object, prompt_chars: int = 0) -> Finished:
    last = items(*chunks, prompt_chars=prompt_chars)[-1]
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize(
    "chunks",
    [
        [says(role="assistant", content=""), says(content="Yes.")],
        [says(role="assistant", content=None), says(content="Yes.")],
        [says(refusal="Yes.", content=None)],
        [says(reasoning_content="Let me see."), says(content="Yes.")],
        [says(reasoning="Let me see."), says(content="Yes.")],
        [says(content="<thi"), says(content="nk>no</think>\n\n"), says(content="Yes.")],
        [says(content="\n\n"), says(content="Yes.")],
        [says(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "Yes."}])],
        [{"choices": [], "prompt_filter_results": []}, says(content="Yes.")],
        [{"choices": None}, {}, says(content="Yes.")],
        [says(content="Yes."), {"choices": [{"finish_reason": None, "filter": {}}]}],
    ],
)
def test_only_the_answer_is_spoken(chunks: list[object]) -> None:
    assert text(*chunks, STOP) == "Yes."


def test_text_comes_as_soon_as_it_is_known() -> None:
    reply = ChatReply(0, (), lambda: "made")
    assert [reply.feed(says(content=piece)) for piece in ("One", " two", " <")] == [
        "One",
        " two",
        " ",
    ]
    whole_before = reply.whole
    reply.feed(STOP)
    assert (whole_before, reply.whole) == (False, True)
    assert next(reply.finish()) == TextDelta("<")


@pytest.mark.parametrize(
    ("given", "calls", "reason"),
    [
        ("stop", False, FinishReason.STOP),
        ("stop", True, FinishReason.TOOL_CALLS),
        ("tool_calls", True, FinishReason.TOOL_CALLS),
        ("tool_calls", False, FinishReason.STOP),
        ("length", True, FinishReason.LENGTH),
        ("content_filter", False, FinishReason.CONTENT_FILTER),
        ("weird_reason", False, FinishReason.STOP),
        (["weird"], True, FinishReason.TOOL_CALLS),
    ],
)
def test_the_reason_tells_what_to_do_next(given: object, calls: bool, reason: FinishReason) -> None:
    chunks = [says(tool_calls=[CALL])] if calls else []
    assert finished(*chunks, ends(given)).reason is reason


def test_a_call_comes_after_the_text_and_before_the_end() -> None:
    kinds = [type(item) for item in items(says(tool_calls=[CALL]), says(content="Wait."), STOP)]
    assert kinds == [TextDelta, ToolCall, Finished]


USAGE = {"prompt_tokens": 7, "completion_tokens": 3}


@pytest.mark.parametrize(
    "chunks",
    [
        [STOP, {"choices": [], "usage": USAGE}],
        [STOP | {"usage": USAGE}],
        [says(content="Yes.") | {"usage": USAGE}, STOP | {"usage": None}],
        [
            {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 1}},
            STOP,
            {"usage": USAGE},
        ],
    ],
)
def test_the_usage_may_be_in_any_chunk(chunks: list[object]) -> None:
    assert finished(*chunks).usage == Usage(7, 3)


@pytest.mark.parametrize("usage", [None, "many", {}, {"prompt_tokens": "7"}])
def test_without_usage_it_is_estimated(usage: object) -> None:
    said = [says(content="Four"), says(reasoning="four."), says(tool_calls=[CALL])]
    last = finished(*said, STOP | {"usage": usage}, prompt_chars=10)
    assert last.usage == Usage(3, 3, estimated=True)


@pytest.mark.parametrize("chunks", [[], [says(content="Yes")], [says(tool_calls=[CALL])]])
def test_without_a_finish_reason_the_reply_was_cut(chunks: list[object]) -> None:
    with pytest.raises(ProviderError, match="without a finish reason") as raised:
        items(*chunks)
    assert raised.value.kind is FailureKind.CUT


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (None, "a chunk of the type NoneType"),
        ([STOP], "a chunk of the type list"),
        (says(content=5), "content of the type int"),
        (says(content="x" * (MAX_REPLY_CHARS + 1)), "more than 200000 characters"),
        (says(reasoning="x" * (MAX_REPLY_CHARS + 1)), "more than 200000 characters"),
    ],
)
def test_what_is_no_chunk_is_a_bad_answer(chunk: object, message: str) -> None:
    with pytest.raises(ProviderError, match=message) as raised:
        items(chunk, STOP)
    assert raised.value.kind is FailureKind.BAD_ANSWER
