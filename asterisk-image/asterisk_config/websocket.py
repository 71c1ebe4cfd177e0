"""Agents whose audio travels by WebSocket: the client connections and the line that dials them.

A connection's address is fixed in websocket_client.conf, so there is one per address of the API;
the dialplan takes the one that answered its question.
"""

from asterisk_config.agent_values import Agent
from asterisk_config.conf import conf, section
from asterisk_config.values import Values


def agents(values: Values) -> tuple[Agent, ...]:
    """Those that use WebSocket."""
    return tuple(agent for agent in values.agents if agent.transport == "webSocket")


def dial(agent: Agent) -> str:
    """The application that connects a caller to `agent`."""
    codec = "slin16" if agent.rate_hz == 16000 else "slin"
    client = f"{agent.context}-$[${{INTERJECT_TURN}} % ${{INTERJECT_API_COUNT}} + 1]"
    return f"Dial(WebSocket/{client}/c({codec})v(uuid=${{INTERJECT_UUID}}),,g)"


def files(values: Values) -> dict[str, str]:
    """websocket_client.conf and chan_websocket.conf, if any agent needs them."""
    if not agents(values):
        return {}
    connect_ms = round(values.timeouts.connect_seconds * 1000)
    clients = [
        section(
            f"{agent.context}-{number}",
            type="websocket_client",
            uri=f"ws://{api}/media",
            protocols="media",
            connection_type="per_call_config",
            connection_timeout=connect_ms,
        )
        for agent in agents(values)
        for number, api in enumerate(agent.api or values.api, start=1)
    ]
    events = section("global", control_message_format="json")
    return {
        "websocket_client.conf": conf("Media pods that speak WebSocket.", clients),
        "chan_websocket.conf": conf("Control messages as JSON.", [events]),
    }
