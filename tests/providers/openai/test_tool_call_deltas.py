"""Tool calls in a stream, as the API describes them and as servers send them."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.providers.chat import ToolCall
from media_pod.providers.openai.tool_call_deltas import (
    MAX_ARGUMENTS_CHARS,
    MAX_CALLS,
    ToolCallDeltas,
)
from media_pod.providers.ports import FailureKind, ProviderError

Deltas = Sequence[dict[str, Any]]


def delta(
    name: str | None = None,
    arguments: object = None,
    *,
    index: object = None,
    id_: str | None = None,
) -> dict[str, Any]:
    fields: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    return (
        fields | ({} if index is None else {"index": index}) | ({} if id_ is None else {"id": id_})
    )


def merged(*deltas: dict[str, Any], taken: Sequence[str] = (), cut: bool = False) -> list[ToolCall]:
    numbers = itertools.count(1)
    calls = ToolCallDeltas(taken, lambda: f"made{next(numbers)}")
    for each in deltas:
        calls.feed([each])
    return list(calls.finish(cut))


A_AND_B = [ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", '{"y": 2}')]

SHAPES: dict[str, Deltas] = {
    "openai": [
        delta("f", "", index=0, id_="a"),
        delta(None, '{"x":', index=0),
        delta(None, " 1}", index=0),
        delta("g", "", index=1, id_="b"),
        delta(None, '{"y": 2}', index=1),
    ],
    "interleaved": [
        delta("f", "", index=0, id_="a"),
        delta("g", '{"y"', index=1, id_="b"),
        delta(None, '{"x": 1}', index=0),
        delta(None, ": 2}", index=1),
    ],
    "ollama: index 0 for all": [
        delta("f", '{"x": 1}', index=0, id_="a"),
        delta("g", '{"y": 2}', index=0, id_="b"),
    ],
    "no index at all": [
        delta("f", '{"x": 1}', id_="a"),
        delta("g", '{"y":', id_="b"),
        delta(None, " 2}"),
    ],
    "the id in every delta": [
        delta("f", "", index=0, id_="a"),
        delta(None, '{"x": 1}', index=0, id_="a"),
        delta("g", "", index=0, id_="b"),
        delta(None, '{"y": 2}', index=0, id_="b"),
    ],
    "the id alone": [
        delta("f", '{"x"', id_="a"),
        delta("g", '{"y": 2}', id_="b"),
        delta(None, ": 1}", id_="a"),
    ],
    "a new id in every delta": [
        delta("f", "", index=0, id_="a"),
        delta(None, '{"x": 1}', index=0, id_="other"),
        delta("g", '{"y": 2}', index=1, id_="b"),
    ],
    "the name in every delta": [
        delta("f", "", index=0, id_="a"),
        delta("f", '{"x": 1}', index=0, id_="a"),
        delta("g", '{"y":', index=1, id_="b"),
        delta("g", " 2}", index=1),
    ],
    "the id after the name": [
        delta("f", "", index=0),
        delta(None, '{"x": 1}', index=0, id_="a"),
        delta("g", '{"y": 2}', index=1, id_="b"),
    ],
    "arguments as an object": [
        delta("f", {"x": 1}, index=0, id_="a"),
        delta("g", {"y": 2}, index=1, id_="b"),
    ],
    "the index in the first delta only": [
        delta("f", '{"x": 1}', index=0, id_="a"),
        delta("g", "", index=1, id_="b"),
        delta(None, '{"y": 2}'),
    ],
}


@pytest.mark.parametrize("deltas", SHAPES.values(), ids=SHAPES.keys())
def test_two_calls_stay_two_calls(deltas: Deltas) -> None:
    assert merged(*deltas) == A_AND_B


@pytest.mark.parametrize("index", [0, None])
def test_calls_without_ids_get_ids_of_their_own(index: int | None) -> None:
    first, second = merged(delta("f", '{"x": 1}', index=index), delta("f", '{"x": 2}', index=index))
    assert (first.arguments, second.arguments) == ('{"x": 1}', '{"x": 2}')
    assert (first.id, second.id) == ("made1", "made2")


def test_an_id_of_an_earlier_turn_is_replaced() -> None:
    (call,) = merged(delta("f", "{}", index=0, id_="call_0"), taken=["call_0"])
    assert call == ToolCall("made1", "f", "{}")


def test_one_id_for_two_calls_is_replaced() -> None:
    calls = merged(delta("f", "{}", index=0, id_="a"), delta("g", "{}", index=1, id_="a"))
    assert [call.id for call in calls] == ["a", "made1"]


def test_broken_arguments_are_left_to_the_consumer() -> None:
    assert merged(delta("f", '{"x": ', index=0, id_="a")) == [ToolCall("a", "f", '{"x": ')]
    assert merged(delta("f", None, index=0, id_="a")) == [ToolCall("a", "f", "")]


@pytest.mark.parametrize("arguments", ["", '{"x": '])
def test_a_call_that_was_cut_is_not_made(arguments: str) -> None:
    deltas = [delta("f", '{"x": 1}', index=0, id_="a"), delta("g", arguments, index=1, id_="b")]
    assert merged(*deltas, cut=True) == A_AND_B[:1]


def test_a_whole_call_of_a_cut_reply_is_made() -> None:
    assert merged(*SHAPES["openai"], cut=True) == A_AND_B


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=3),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 7),
    st.booleans(),
)
def test_any_split_of_the_arguments_gives_the_same(
    all_arguments: list[dict[str, str]], size: int, one_index: bool
) -> None:
    texts = [json.dumps(arguments) for arguments in all_arguments]
    deltas = []
    for number, text in enumerate(texts):
        index = 0 if one_index else number
        deltas.append(delta(f"f{number}", "", index=index, id_=f"id{number}"))
        for start in range(0, len(text), size):
            deltas.append(delta(None, text[start : start + size], index=index))
    calls = merged(*deltas)
    assert [call.arguments for call in calls] == texts
    assert [call.name for call in calls] == [f"f{number}" for number in range(len(texts))]


@pytest.mark.parametrize(
    ("deltas", "message"),
    [
        ("f()", "tool_calls of the type str"),
        (["f()"], "a tool call of the type str"),
        ([delta("f", 5, index=0)], "arguments of the type int"),
        ([delta("f", "x" * (MAX_ARGUMENTS_CHARS + 1), index=0)], "characters of arguments"),
        ([delta("f", "{}", index=n) for n in range(MAX_CALLS + 1)], "more than 64 tool calls"),
        ([delta(None, '{"x": 1}', index=0)], r"without a name, arguments '{\"x\": 1}'"),
    ],
)
def test_what_is_no_call_is_a_bad_answer(deltas: Any, message: str) -> None:
    calls = ToolCallDeltas((), lambda: "made")
    with pytest.raises(ProviderError, match=message) as raised:
        calls.feed(deltas)
        list(calls.finish(cut=False))
    assert raised.value.kind is FailureKind.BAD_ANSWER
