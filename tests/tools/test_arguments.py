"""Arguments of tool calls: broken ones come back as one text that says what is expected."""

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pod.tools.arguments import (
    MAX_ARGUMENT_BYTES,
    ArgumentSchema,
    ArgumentsError,
    ToolSchemaError,
    parse_arguments,
)

ORDER = {
    "type": "object",
    "properties": {
        "order": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"},
        "count": {"type": "integer", "minimum": 1},
        "size": {"enum": ["small", "large"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "required": ["order"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "required": ["article"]}},
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # The halves of surrogate pairs that JSON can escape but UTF-8 has no place for
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5))
def test_what_a_model_writes_is_what_a_tool_gets(value: dict[str, Any]) -> None:
    assert parse_arguments(json.dumps(value)) == value


@given(st.text())
def test_any_other_text_is_an_error_for_the_model(text: str) -> None:
    try:
        assert isinstance(parse_arguments(text), dict)
    except ArgumentsError as error:
        assert "expected" in str(error)


def test_no_text_is_no_arguments() -> None:
    assert parse_arguments("") == parse_arguments(" \n") == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"order": ', "line 1"),
        ("[1]", "found [1]"),
        ('"A-1"', 'found "A-1"'),
        ('{"a": NaN}', "no valid JSON"),
        ('{"a": 1e999}', "no valid JSON"),
        ('{"a": "\\ud800"}', "no valid JSON"),
        ("[" * 60_000, "no valid JSON"),
        ('{"a":' * 40 + "1" + "}" * 40, "32 levels"),
        ('{"a": "' + "x" * MAX_ARGUMENT_BYTES + '"}', "bytes"),
        ('{"a": "' + "\u20ac" * (MAX_ARGUMENT_BYTES // 2) + '"}', "bytes"),
    ],
)
def test_broken_arguments_are_described(text: str, found: str) -> None:
    with pytest.raises(ArgumentsError) as failed:
        parse_arguments(text)
    assert found in str(failed.value)
    assert len(str(failed.value)) < 300


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "arguments: found no order; expected the properties order (required), count"),
        ({"order": 1}, "order: found 1; expected string"),
        ({"order": "x"}, 'order: found "x"; expected pattern "^[A-Z]-[0-9]+$"'),
        ({"order": "A-1", "count": 0}, "count: found 0; expected minimum 1"),
        ({"order": "A-1", "size": "big"}, 'size: found "big"; expected one of ["small", "large"]'),
        ({"order": "A-1", "colour": "red"}, "colour; expected the properties order (required)"),
        ({"order": "A-1", "lines": [{}]}, "lines[0]: found no article"),
    ],
)
async def test_arguments_that_do_not_fit_are_described(
    arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ArgumentsError) as failed:
        await ArgumentSchema(ORDER).check(arguments)
    assert expected in str(failed.value)


async def test_several_problems_are_one_short_text() -> None:
    wrong = {"order": "x" * 5000, "lines": [1] * 5000}
    with pytest.raises(ArgumentsError) as failed:
        await ArgumentSchema(ORDER).check(wrong)
    assert "order: " in str(failed.value)
    assert "lines[0]: " in str(failed.value)
    assert len(str(failed.value)) < 1000


async def test_arguments_that_fit_pass() -> None:
    await ArgumentSchema(ORDER).check({"order": "A-1", "count": 2, "lines": [{"article": "x"}]})
    await ArgumentSchema(ORDER).check({"order": "A-1", "lines": [{"article": "x"}] * 2000})


async def test_patterns_of_a_server_are_left_to_it() -> None:
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    # With the pattern this would take longer than any test may.
    await ArgumentSchema(slow, patterns=False).check({"a": "a" * 50 + "!"})
    with pytest.raises(ArgumentsError, match="expected string"):
        await ArgumentSchema(slow, patterns=False).check({"a": 1})


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, 'parameters.type: found null; allowed: "object"'),
        ({"type": "array"}, 'parameters.type: found "array"; allowed: "object"'),
        ({"type": "object", "properties": {"a": {"type": "strin"}}}, "parameters.properties.a"),
        ({"type": "object", "properties": {"a": {"pattern": "("}}}, "properties.a.pattern"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}, "/$defs/b"),
        ({"type": "object", "$ref": "#"}, "lead back"),
        ({"type": "object", "properties": {"a": {"allOf": [{}] * 3 + [{"$ref": "b"}]}}}, '"b"'),
    ],
)
def test_a_schema_is_checked_when_it_is_loaded(parameters: dict[str, Any], expected: str) -> None:
    with pytest.raises(ToolSchemaError) as failed:
        ArgumentSchema(parameters)
    assert expected in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_schema_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema"
        with pytest.raises(ToolSchemaError, match="within the schema"):
            ArgumentSchema({"type": "object", "properties": {"a": {"$ref": url}}})
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    ArgumentSchema({"type": "object", "properties": {"$ref": {"type": "string"}}})
    ArgumentSchema({"type": "object", "properties": {"a": {"const": {"$ref": "http://x/"}}}})
