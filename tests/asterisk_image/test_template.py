"""Templates: every hole gets its text, once, and nothing that is filled in is filled again."""

import pytest

from asterisk_config import template
from asterisk_config.template import fill

TEXT = "[{{name}}]\n{{lines}}\nexten => s,1,Set(A={{name}})\n"


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "_template", lambda name: TEXT)


def test_a_hole_alone_on_its_line_takes_several_lines() -> None:
    assert fill("x", name="a", lines="b\nc") == "[a]\nb\nc\nexten => s,1,Set(A=a)\n"


def test_without_a_text_its_line_goes() -> None:
    assert fill("x", name="a", lines="") == "[a]\nexten => s,1,Set(A=a)\n"


def test_what_is_filled_in_is_not_filled_again() -> None:
    assert fill("x", name="{{lines}}", lines="{{name}}").startswith("[{{lines}}]\n{{name}}\n")


@pytest.mark.parametrize("texts", [{"name": "a"}, {"name": "a", "lines": "", "more": ""}])
def test_holes_and_texts_have_to_match(texts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="x has holes for"):
        fill("x", **texts)
