"""What is generated into the repository is what the models give now."""

from pathlib import Path

from asterisk_config.reference import reference
from asterisk_config.render import SNIPPET, snippet
from asterisk_config.values import Values

IMAGE = Path(__file__).parents[2] / "asterisk-image"


def test_the_table_of_values_is_up_to_date() -> None:
    """`python3 -m asterisk_config docs > asterisk-image/VALUES.md` writes it."""
    assert (IMAGE / "VALUES.md").read_text() == reference()


def test_the_snippet_is_up_to_date() -> None:
    """`python3 -m asterisk_config snippet > asterisk-image/extensions_interject.conf` writes it."""
    assert (IMAGE / SNIPPET).read_text() == snippet(Values())
