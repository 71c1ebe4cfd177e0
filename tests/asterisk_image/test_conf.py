"""Text formats: Asterisk reads back what was written; templates are filled once."""

import pytest
from asterisk_parser import parse
from hypothesis import given
from hypothesis import strategies as st

from asterisk_config import conf as conf_module
from asterisk_config.conf import conf, escaped, fill, section

TEMPLATE = "[{{name}}]\n{{lines}}\nexten => s,1,Set(A={{name}})\n"
PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_a_file_is_a_comment_and_sections() -> None:
    text = conf("Two\nlines.", [section("a", ("x", 1), ("x", 2), on=True, off=False, gone=None)])
    assert text == "; Two\n; lines.\n\n[a]\nx = 1\nx = 2\non = yes\noff = no\n"


@given(PRINTABLE)
def test_any_password_is_read_back_as_it_is(value: str) -> None:
    (read,) = parse(conf("", [section("a", key=value)]))
    assert read.lines == [("key", value)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (";", "\\;"),
        ("a;--b--;c", "a\\;--b--\\;c"),
        ("back\\slash", "back\\slash"),
        ("back\\;slash", "back\\\\;slash"),
        (">x", ">x"),
    ],
)
def test_semicolons_alone_are_escaped(value: str, written: str) -> None:
    assert escaped(value) == written


@pytest.mark.parametrize("value", ["a\nb", "a\r", " a", "a ", "a\x00b", "a\u2028b"])
def test_values_that_cannot_be_escaped_are_rejected(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be escaped"):
        escaped(value)


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf_module, "_template", lambda name: TEMPLATE)


@pytest.mark.usefixtures("template")
def test_a_placeholder_alone_on_its_line_takes_several_lines() -> None:
    assert fill("x", name="a", lines="b\nc") == "[a]\nb\nc\nexten => s,1,Set(A=a)\n"


@pytest.mark.usefixtures("template")
def test_without_a_text_its_line_is_removed() -> None:
    assert fill("x", name="a", lines="") == "[a]\nexten => s,1,Set(A=a)\n"


@pytest.mark.usefixtures("template")
def test_inserted_text_is_not_expanded_again() -> None:
    assert fill("x", name="{{lines}}", lines="{{name}}").startswith("[{{lines}}]\n{{name}}\n")


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("texts", [{"name": "a"}, {"name": "a", "lines": "", "more": ""}])
def test_placeholders_and_texts_must_match(texts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="x has placeholders"):
        fill("x", **texts)
