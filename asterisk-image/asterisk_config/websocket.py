"""Agents whose audio travels by WebSocket: how the dialplan reaches the address that it was told.

A connection of websocket_client.conf has a fixed address. So connections are looked up in
Asterisk's own database instead, where the dialplan writes each one, named by its address, before it
dials it (docs/decisions/0007).
"""

from asterisk_config.agent_values import Agent, Timeouts
from asterisk_config.conf import conf, section
from asterisk_config.values import Values

FAMILY = "interject"
"""Of the database's keys; one short entry for each address that was ever dialled."""


def agents(values: Values) -> tuple[Agent, ...]:
    """Those that use WebSocket."""
    return tuple(agent for agent in values.agents if agent.transport == "webSocket")


def dial(agent: Agent, timeouts: Timeouts) -> str:
    """The lines that connect a caller to `agent`, the first without its priority."""
    codec = "slin16" if agent.rate_hz == 16000 else "slin"
    connection = (
        '{"uri":"ws://${INTERJECT_ANSWER}/","protocols":"media",'
        '"connection_type":"per_call_config",'
        f'"connection_timeout":"{round(timeouts.connect_seconds * 1000)}",'
        '"reconnect_attempts":"1"}'
    )
    known = f"Set(DB({FAMILY}/websocket_client/${{INTERJECT_ANSWER}})={connection})"
    options = f"c({codec})f(json)v(uuid=${{INTERJECT_UUID}})"
    return f"{known}\n same => n,Dial(WebSocket/${{INTERJECT_ANSWER}}/{options},,g)"


def files(values: Values) -> dict[str, str]:
    """sorcery.conf and chan_websocket.conf, if any agent needs them, or may."""
    if not agents(values) and not values.published:
        return {}
    clients = section("res_websocket_client", websocket_client=f"astdb,{FAMILY}")
    return {
        "sorcery.conf": conf("Media pods that speak WebSocket are found in AstDB.", [clients]),
        "chan_websocket.conf": conf("Each call says how it wants it.", [section("global")]),
    }
