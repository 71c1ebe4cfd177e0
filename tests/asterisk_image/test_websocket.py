"""WebSocket: the dialplan writes the connection that it dials."""

import json
import re

from asterisk_parser import section
from documents import values

from asterisk_config.agent_values import Agent, Timeouts
from asterisk_config.websocket import dial, files

ADDRESS = "10.0.0.5:3001"


def test_without_websocket_agents_there_are_no_files() -> None:
    assert files(values()) == {}


def test_connections_are_looked_up_in_the_database() -> None:
    found = files(values(agents=[{"name": "desk", "transport": "webSocket"}]))
    clients = section(found["sorcery.conf"], "res_websocket_client")
    assert clients["websocket_client"] == "astdb,interject"
    assert files(values(published=True)) == found


def test_what_is_written_is_what_is_dialled() -> None:
    wide = Agent(name="a", transport="webSocket", rate_hz=16000)
    lines = dial(wide, Timeouts(connect_seconds=0.25)).replace("${INTERJECT_ANSWER}", ADDRESS)
    write, call = lines.split("\n same => n,")

    written = re.fullmatch(r"Set\(DB\(interject/websocket_client/(.+?)\)=(.+)\)", write)
    assert written and written[1] == ADDRESS
    assert json.loads(written[2]) == {
        "uri": f"ws://{ADDRESS}/",
        "protocols": "media",
        "connection_type": "per_call_config",
        "connection_timeout": "250",
        "reconnect_attempts": "1",
    }
    assert call == f"Dial(WebSocket/{ADDRESS}/c(slin16)f(json)v(uuid=${{INTERJECT_UUID}}),,g)"
