"""extensions.conf: numbers, agents, phones, queues, and what each may reach.

`agent_context` is an agent's part alone, for any Asterisk; people with a PBX of their own use it
without the rest. `published` has the same parts for agents that come and go.
"""

from collections.abc import Iterable, Sequence

from asterisk_config import websocket
from asterisk_config.agent_values import Agent, Fallback, Message, Timeouts, ToExtension, ToQueue
from asterisk_config.sip_values import Trunk
from asterisk_config.template import fill
from asterisk_config.values import AGENTS, PHONES, QUEUES, Values

FROM_PHONES = "interject-from-phones"
"""Context in which phones' calls begin."""
PUBLISHED = "published.conf"
"""The file beside extensions.conf that the supervisor keeps."""
AUDIO_SOCKET_PORT = 3000
"""Where common dialplans expect the AudioSocket server."""

_HEADING = """\
; Who may reach what:
;   phones              agents, phones and queues, by their numbers
;   trunks, strangers   agents alone
;   agents              what their transfers lists
"""
_INBOUND = ("_X!", "_+X!", "s")
"""What providers send as the called number: a national or international one, or none."""


def extensions(values: Values) -> str:
    """The text of extensions.conf."""
    parts = [
        _HEADING,
        _numbers(values),
        *(_agent(agent, values) for agent in values.agents),
        _phones(values),
        _queues(values),
        *(_inbound(trunk) for trunk in values.trunks if trunk.agent),
        _context(FROM_PHONES, [f"include => {name}" for name in (AGENTS, PHONES, QUEUES)]),
        # Last, because it adds to contexts that have to be there.
        f"#tryinclude {PUBLISHED}\n" if values.published else "",
    ]
    return "\n".join(part for part in parts if part)


def agent_context(
    agent: Agent, apis: Sequence[str], timeouts: Timeouts, context: str | None = None
) -> str:
    """The dialplan of one agent: a subroutine at s,1 of its context.

    Args:
        apis: HOST:PORT of the API, used unless the agent has its own.
        context: the context's name; the agent's own if None.
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


def parameters(agent: Agent, apis: Sequence[str], timeouts: Timeouts) -> str:
    """The lines with which a call of `agent` begins, from priority 1 on; `apis` as in
    `agent_context`."""
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


def failover(agent: Agent, timeouts: Timeouts, *, context: str, first: str, transfers: str) -> str:
    """The call itself, as `agent` is connected.

    Args:
        context: the name of its context.
        first: lines from s,1 on.
        transfers: lines that go on at `allowed` if INTERJECT_PLACE may be reached.
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


def enter(agent: Agent, fallback: Fallback) -> str:
    """How callers come into the context of `agent`; `fallback` is for one that has none."""
    return fill("enter.conf", context=agent.context, fallback=_fallback(agent.fallback or fallback))


def allowed(place: str, label: str) -> str:
    """A line that goes on at `label` if the agent sends the caller to `place`."""
    return f' same => n,GotoIf($["${{INTERJECT_PLACE}}" = "{place}"]?{label})'


def entrance(number: str, context: str) -> tuple[str, str]:
    """A number's way into an agent. Set() takes what follows it as one text, commas and all."""
    return (
        f"exten => {number},1,Set(INTERJECT_TO=${{EXTEN}})",
        f" same => n,Goto({context},enter,1)",
    )


def inbound_context(trunk: Trunk) -> str:
    """Context in which the calls of `trunk` begin."""
    return f"interject-from-{trunk.name}" if trunk.agent else AGENTS


def _connection(agent: Agent, timeouts: Timeouts) -> tuple[str, str, str]:
    """How the agent's audio is connected, the variable that says how that ended, and what it says
    if there was a connection."""
    if agent.transport == "webSocket":
        return websocket.dial(agent, timeouts), "${DIALSTATUS}", "ANSWER"
    if agent.rate_hz == 16000:  # the application has 8000 Hz alone, the channel driver any rate
        leg = "AudioSocket/${INTERJECT_ANSWER}/${INTERJECT_UUID}/c(slin16)"
        return f"Dial({leg},,g)", "${DIALSTATUS}", "ANSWER"
    return "TryExec(AudioSocket(${INTERJECT_UUID},${INTERJECT_ANSWER}))", "${TRYSTATUS}", "SUCCESS"


def _jitter_buffer(agent: Agent) -> str:
    return f" same => n,Set(JITTERBUFFER({agent.buffer})=default)" if agent.buffer else ""


def _agent(agent: Agent, values: Values) -> str:
    text = agent_context(agent, values.api, values.timeouts)
    if agent.dialplan == "seed":
        return text
    return f"{text}\n{enter(agent, values.fallback)}"


def _fallback(fallback: Fallback) -> str:
    match fallback:
        case ToExtension(destination=destination):
            return f"exten => fallback,1,Goto({destination})"
        case ToQueue(queue=queue):
            return f"exten => fallback,1,Goto({QUEUES},{queue},1)"
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
        # r: callers hear ringing, so that no music has to be there
        lines.append(f"exten => {queue.name},1,Queue({queue.name},r,,,{queue.wait_seconds})")
        lines.append(" same => n,Hangup()")
    return _context(QUEUES, lines)


def _context(name: str, lines: Iterable[str]) -> str:
    return "\n".join((f"[{name}]", *lines)) + "\n"
