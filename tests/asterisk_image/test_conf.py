"""Configuration texts: what goes in is what Asterisk reads."""

import pytest
from asterisk_parser import parse
from hypothesis import given
from hypothesis import strategies as st

from asterisk_config.conf import conf, escaped, section

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
def test_what_no_escape_can_express_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no Asterisk file can hold"):
        escaped(value)
