"""All rendered files; generated files of the repository are up to date."""

from pathlib import Path

from asterisk_config.places import Places
from asterisk_config.render import SNIPPET, reference, render, snippet
from asterisk_config.values import Values

PLACES = Places.installed(Path("/run/asterisk"))
IMAGE = Path(__file__).parents[2] / "asterisk-image"


def test_empty_values_are_valid() -> None:
    files = render(Values(), PLACES)
    assert "exten => 100,1," in files["extensions.conf"]
    assert "127.0.0.1:1650" in files["extensions.conf"]
    assert "queues.conf" not in files
    assert "websocket_client.conf" not in files


def test_every_file_starts_with_a_comment() -> None:
    assert all(text.startswith("; ") for text in render(Values(), PLACES).values())


def test_the_table_of_values_is_up_to_date() -> None:
    """`python3 -m asterisk_config docs > asterisk-image/VALUES.md` writes it."""
    assert (IMAGE / "VALUES.md").read_text() == reference()


def test_the_snippet_is_up_to_date() -> None:
    """`python3 -m asterisk_config snippet > asterisk-image/extensions_interject.conf` writes it."""
    assert (IMAGE / SNIPPET).read_text() == snippet(Values())
