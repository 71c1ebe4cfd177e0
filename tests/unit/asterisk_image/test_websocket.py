"""WebSocket clients: one per address, named as the dialplan dials them."""

from asterisk_parser import parse, section
from documents import values

from asterisk_config.websocket import files


def test_without_websocket_agents_there_are_no_files() -> None:
    assert files(values()) == {}


def test_every_address_of_an_agent_has_a_client() -> None:
    found = files(
        values(
            api=["a:1650", "b:1650"],
            agents=[
                {"name": "one", "transport": "webSocket"},
                {"name": "two", "transport": "webSocket", "api": ["c:1650"]},
                {"name": "three"},
            ],
        )
    )
    clients = parse(found["websocket_client.conf"])
    assert {client.name: client["uri"] for client in clients} == {
        "interject-one-1": "ws://a:1650/media",
        "interject-one-2": "ws://b:1650/media",
        "interject-two-1": "ws://c:1650/media",
    }
    assert {client["connection_type"] for client in clients} == {"per_call_config"}
    assert {client["connection_timeout"] for client in clients} == {"500"}
    assert section(found["chan_websocket.conf"], "global")["control_message_format"] == "json"
