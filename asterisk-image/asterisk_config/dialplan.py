"""extensions.conf: numbers, agents, phones, queues, and what each can reach.

`agent_context` is the part of a single agent, for any Asterisk; users with their own PBX use it
alone. `published` renders the same parts for agents that change at runtime.
"""

from collections.abc import Iterable, Sequence

from asterisk_config.agent_values import (
    DialplanAgent,
    Fallback,
    Message,
    Timeouts,
    ToExtension,
    ToQueue,
)
from asterisk_config.conf import fill
from asterisk_config.number_plan import AGENTS, PHONES, QUEUES
from asterisk_config.sip_values import Trunk
from asterisk_config.values import Values

FROM_PHONES = "interject-from-phones"
"""Context in which calls of phones start."""
PUBLISHED = "published.conf"
"""File in the folder of extensions.conf that `publisher` writes."""
AUDIO_SOCKET_PORT = 3000
"""Port of AudioSocket servers in common dialplans."""
CONNECTIONS = "interject"
"""AstDB family of the WebSocket connections: one short entry for each address ever dialled."""

_HEADING = """\
; Permissions:
;   phones                          agents, phones and queues, by number
;   trunks, unauthenticated callers agents only
;   agents                          the extensions in their transfers
"""
_INBOUND = ("_X!", "_+X!", "s")
"""Called numbers that providers send: national, international, or none."""


def extensions(values: Values) -> str:
    """The text of extensions.conf."""
    parts = [
        _HEADING,
        _numbers(values),
        *(_agent(agent, values) for agent in values.agents),
        _phones(values),
        _queues(values),
        *(_inbound(trunk) for trunk in values.trunks if trunk.agent),
        # Asterisk searches in this order: no pattern of an agent hides a phone or a queue.
        _context(FROM_PHONES, [f"include => {name}" for name in (PHONES, QUEUES, AGENTS)]),
        # Last, because it extends contexts that must exist before.
        f"#tryinclude {PUBLISHED}\n" if values.published else "",
    ]
    return "\n".join(part for part in parts if part)


def agent_context(
    agent: DialplanAgent, apis: Sequence[str], timeouts: Timeouts, context: str | None = None
) -> str:
    """The dialplan of one agent: a subroutine at s,1 of its context.

    Args:
        apis: HOST:PORT of the API, unless the agent has its own.
        context: name of the context; None: that of the agent.
    """
    context = context or agent.context
    if agent.dialplan == "seed":
        apis = agent.api or apis
        host = apis[0].rpartition(":")[0]
        return fill(
            "seed.conf",
            context=context,
            jitter_buffer=_jitter_buffer(agent),
            api=apis[0],
            audio_socket=agent.audio_socket or f"{host}:{AUDIO_SOCKET_PORT}",
        )
    return failover(
        agent,
        timeouts,
        context=context,
        first=parameters(agent, apis, timeouts),
        transfers="\n".join(allowed(place, "allowed") for place in agent.transfers),
    )


def parameters(agent: DialplanAgent, apis: Sequence[str], timeouts: Timeouts) -> str:
    """The first lines of a call of `agent`, from priority 1; `apis` as in `agent_context`."""
    apis = agent.api or apis
    return fill(
        "parameters.conf",
        apis="&".join(apis),
        tries=max(timeouts.tries, len(apis)),
        connections=timeouts.connections,
        lasted_seconds=timeouts.lasted_seconds,
        pause_seconds=timeouts.pause_seconds,
        connect_seconds=timeouts.connect_seconds,
        request_seconds=timeouts.request_seconds,
    ).rstrip()


def failover(
    agent: DialplanAgent, timeouts: Timeouts, *, context: str, first: str, transfers: str
) -> str:
    """The context of a call, with the media transport of `agent`.

    Args:
        context: name of the context.
        first: lines from s,1 on.
        transfers: lines that jump to the label `allowed` if the transfer to INTERJECT_PLACE is
            permitted.
    """
    connect, status, worked = _connection(agent, timeouts)
    return fill(
        "failover.conf",
        context=context,
        parameters=first,
        jitter_buffer=_jitter_buffer(agent),
        connect=connect,
        status=status,
        worked=worked,
        transfers=transfers,
    )


def enter(agent: DialplanAgent, fallback: Fallback) -> str:
    """The entry point of the context of `agent`; `fallback` applies if the agent has none."""
    return fill("enter.conf", context=agent.context, fallback=_fallback(agent.fallback or fallback))


def allowed(place: str, label: str) -> str:
    """A line that jumps to `label` if the destination of the transfer is `place`."""
    return f' same => n,GotoIf($["${{INTERJECT_PLACE}}" = "{place}"]?{label})'


def entrance(number: str, context: str) -> tuple[str, str]:
    """The lines that route `number` to an agent. Set() takes all its arguments as one text."""
    return (
        f"exten => {number},1,Set(INTERJECT_TO=${{EXTEN}})",
        f" same => n,Goto({context},enter,1)",
    )


def web_socket_agents(values: Values) -> tuple[DialplanAgent, ...]:
    """The agents with transport webSocket."""
    return tuple(agent for agent in values.agents if agent.transport == "webSocket")


def dial_web_socket(agent: DialplanAgent, timeouts: Timeouts) -> str:
    """The lines that connect a caller to `agent` by WebSocket, the first one without its priority.

    A connection of websocket_client.conf has a fixed address. Instead, the dialplan writes each
    connection to AstDB, with its address as the name, before it dials it (docs/decisions/0007).
    """
    codec = "slin16" if agent.rate_hz == 16000 else "slin"
    connection = (
        '{"uri":"ws://${INTERJECT_ANSWER}/","protocols":"media",'
        '"connection_type":"per_call_config",'
        f'"connection_timeout":"{round(timeouts.connect_seconds * 1000)}",'
        '"reconnect_attempts":"1"}'
    )
    define = f"Set(DB({CONNECTIONS}/websocket_client/${{INTERJECT_ANSWER}})={connection})"
    options = f"c({codec})f(json)v(uuid=${{INTERJECT_UUID}})"
    return f"{define}\n same => n,Dial(WebSocket/${{INTERJECT_ANSWER}}/{options},,g)"


def inbound_context(trunk: Trunk) -> str:
    """Context in which calls of `trunk` start."""
    return f"interject-from-{trunk.name}" if trunk.agent else AGENTS


def _connection(agent: DialplanAgent, timeouts: Timeouts) -> tuple[str, str, str]:
    """The application that connects the media, the variable with its result, and the value of that
    variable after a successful connection."""
    if agent.transport == "webSocket":
        return dial_web_socket(agent, timeouts), "${DIALSTATUS}", "ANSWER"
    if agent.rate_hz == 16000:  # the application only supports 8000 Hz, the channel driver any rate
        leg = "AudioSocket/${INTERJECT_ANSWER}/${INTERJECT_UUID}/c(slin16)"
        return f"Dial({leg},,g)", "${DIALSTATUS}", "ANSWER"
    return "TryExec(AudioSocket(${INTERJECT_UUID},${INTERJECT_ANSWER}))", "${TRYSTATUS}", "SUCCESS"


def _jitter_buffer(agent: DialplanAgent) -> str:
    return f" same => n,Set(JITTERBUFFER({agent.buffer})=default)" if agent.buffer else ""


def _agent(agent: DialplanAgent, values: Values) -> str:
    text = agent_context(agent, values.api, values.timeouts)
    if agent.dialplan == "seed":
        return text
    return f"{text}\n{enter(agent, values.fallback)}"


def _fallback(fallback: Fallback) -> str:
    match fallback:
        case ToExtension(destination=destination):
            return f"exten => fallback,1,Goto({destination})"
        case ToQueue(queue=queue):
            # Providers end a call that rings for minutes.
            return f"exten => fallback,1,Answer()\n same => n,Goto({QUEUES},{queue},1)"
        case Message(sound=sound):
            return f"exten => fallback,1,Playback({sound})\n same => n,Hangup()"
    return "exten => fallback,1,Hangup(42)"


def _numbers(values: Values) -> str:
    lines = (
        line
        for agent in values.agents
        for number in agent.extensions
        for line in entrance(number, agent.context)
    )
    return _context(AGENTS, lines)


def _inbound(trunk: Trunk) -> str:
    lines = (line for number in _INBOUND for line in entrance(number, f"interject-{trunk.agent}"))
    return _context(inbound_context(trunk), lines)


def _phones(values: Values) -> str:
    ring_s = values.timeouts.ring_seconds
    lines = (
        f"exten => {phone.number},1,Dial(PJSIP/{phone.name},{ring_s})\n same => n,Hangup()"
        for phone in values.phones
    )
    return _context(PHONES, lines)


def _queues(values: Values) -> str:
    lines: list[str] = []
    for queue in values.queues:
        if queue.extension:
            lines.append(f"exten => {queue.extension},1,Goto({queue.name},1)")
        # r: callers hear ringing, so that no music on hold is needed.
        lines.append(f"exten => {queue.name},1,Queue({queue.name},r,,,{queue.wait_seconds})")
        lines.append(" same => n,Hangup()")
    return _context(QUEUES, lines)


def _context(name: str, lines: Iterable[str]) -> str:
    return "\n".join((f"[{name}]", *lines)) + "\n"
