"""The whole of what is rendered: only what the values need."""

from pathlib import Path

from asterisk_config.places import Places
from asterisk_config.render import render
from asterisk_config.values import Values

PLACES = Places.installed(Path("/run/asterisk"))


def test_the_smallest_values_are_none_at_all() -> None:
    files = render(Values(), PLACES)
    assert "exten => 100,1," in files["extensions.conf"]
    assert "127.0.0.1:1650" in files["extensions.conf"]
    assert "queues.conf" not in files
    assert "websocket_client.conf" not in files


def test_every_file_says_what_it_is() -> None:
    assert all(text.startswith("; ") for text in render(Values(), PLACES).values())
