"""The agents of a cluster as one dialplan file, for a running Asterisk.

The operator renders the file (`published`) and stores it in a ConfigMap. The supervisor of Asterisk
validates it (`check`) and loads it. Both functions are pure.

A call passes through the agent's own context, which sets the addresses of its pods, into a context
that all agents with the same transport and rate share. So an agent takes one kilobyte of the
ConfigMap, and a call continues if the context of its agent is deleted meanwhile.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from asterisk_config.agent_values import DialplanAgent, EndCall, Fallback, Timeouts
from asterisk_config.dialplan import allowed, enter, entrance, failover, parameters
from asterisk_config.number_plan import AGENTS, PHONES, QUEUES, may_transfer
from asterisk_config.texts import LONGEST_AGENT_NAME
from media_pod.manifest.validation import SpecError

SHARED: Final = "interject-call-"
"""Prefix of the names of shared contexts."""
LONGEST_LINE: Final = 4000
"""Characters; Asterisk ignores lines of 8192 or more."""
MAX_BYTES: Final = 1 << 20
"""Maximum size of a ConfigMap."""

_HEADING: Final = "; Agents of a cluster. Interject's operator writes this file."
_DIGEST_DIGITS: Final = 16
_ADDED: Final = f"[{AGENTS}](+)"
_ALLOWED: Final = f"{_ADDED}, [interject-NAME], or a priority with an application in one of them"
_CONTEXT: Final = re.compile(r"\[(interject-[a-z0-9][a-z0-9_-]*)\]")
_TRANSFER: Final = re.compile(
    r' same => n,GotoIf\(\$\["\$\{INTERJECT_PLACE\}" = "(?P<place>[^"]*)"\]\?.*\)'
)
"""A line of `dialplan.allowed`."""
_PRIORITY: Final = re.compile(
    r"(exten => [^,\s]+,[1-9][0-9]*| same => n(\([a-z]+\))?),[A-Za-z]+\(.*\)"
)


def context_name(namespace: str, name: str) -> str:
    """`DialplanAgent.name` of the VoiceAgent `name` in `namespace`; unique in its cluster.

    DNS labels have no underscores. So one underscore separates namespace and name, and two separate
    a truncated name from the digest of the whole.
    """
    whole = f"{namespace}_{name}"
    if len(whole) <= LONGEST_AGENT_NAME:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_DIGITS]
    return f"{whole[: LONGEST_AGENT_NAME - len(digest) - 2]}__{digest}"


def published(
    agents: Sequence[DialplanAgent], timeouts: Timeouts, fallback: Fallback | None = None
) -> str:
    """The text of the file; it does not depend on the order of `agents`.

    Args:
        agents: each with its own `api` and the dialplan failover; extensions must be unique.
        timeouts: of all agents.
        fallback: of agents without one. Default: hang up.

    Raises:
        ValueError: the agents do not meet these conditions.
    """
    ordered = sorted(agents, key=lambda agent: agent.name)
    _expect_usable(ordered)
    parts = [_HEADING]
    if ordered:
        parts.append("\n".join((_ADDED, *_numbers(ordered))))
    parts += [_agent(agent, timeouts, fallback or EndCall()) for agent in ordered]
    shared = {_shared(agent): agent for agent in ordered}
    parts += [_call(name, shared[name], timeouts) for name in sorted(shared)]
    return "\n\n".join(map(_without_comments, parts)) + "\n"


def check(text: str, source: str) -> None:
    """Validate that `text` only adds contexts of agents and their numbers; `source` names it.

    Raises:
        SpecError: invalid; the message names the line.
    """
    context = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or (line.startswith(";") and not line.startswith(";--")):
            continue
        header = _CONTEXT.fullmatch(line)
        if line == _ADDED or (header is not None and _is_free(header[1])):
            context = line
        elif not context or not _is_priority(line):
            found = f"line {number}: found {line[:60]!r}"
            raise SpecError(source, (f"{found}; allowed: {_ALLOWED}",))


def restrict(text: str, places: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """`text` without the transfers that this Asterisk does not permit, and their places.

    Args:
        text: passes `check`.
        places: permitted besides agents, phones and queues; see `may_transfer`.
    """
    kept, dropped = [], []
    for line in text.splitlines(keepends=True):
        found = _TRANSFER.fullmatch(line.rstrip("\n"))
        if found is None or _permitted(found["place"], places):
            kept.append(line)
        else:
            dropped.append(found["place"])
    return "".join(kept), tuple(dict.fromkeys(dropped))


def _permitted(place: str, places: Iterable[str]) -> bool:
    return place.count(",") == 2 and may_transfer(place, places)


def _expect_usable(agents: Sequence[DialplanAgent]) -> None:
    names = Counter(agent.name for agent in agents)
    numbers = Counter(number for agent in agents for number in agent.extensions)
    for twice, times in (*names.items(), *numbers.items()):
        if times > 1:
            raise ValueError(f"{twice} occurs {times} times, expected once")
    for agent in agents:
        if agent.api is None or agent.dialplan != "failover":
            raise ValueError(f"{agent.name}: expected its own api and the dialplan failover")


def _numbers(agents: Iterable[DialplanAgent]) -> Iterable[str]:
    for agent in agents:
        for number in sorted(agent.extensions):
            yield from entrance(number, agent.context)


def _agent(agent: DialplanAgent, timeouts: Timeouts, fallback: Fallback) -> str:
    shared = _shared(agent)
    places = (allowed(place, f"{shared},s,allowed") for place in sorted(agent.transfers))
    return "\n".join(
        (
            f"[{agent.context}]",
            parameters(agent, (), timeouts),
            f" same => n,Set(INTERJECT_AGENT={agent.context})",
            f" same => n,Goto({shared},s,1)",
            "exten => handover,1,NoOp()",
            *places,
            f" same => n,Goto({shared},s,refused)",
            enter(agent, fallback),
        )
    )


def _shared(agent: DialplanAgent) -> str:
    """Name of the context that `agent` shares with agents of the same media settings."""
    buffer = f"-{agent.buffer}" if agent.buffer else ""
    return f"{SHARED}{agent.transport.lower()}-{agent.rate_hz}{buffer}"


def _call(name: str, agent: DialplanAgent, timeouts: Timeouts) -> str:
    """The shared context `name`, with the media settings of `agent`."""
    places = " same => n,Goto(${INTERJECT_AGENT},handover,1)\n same => n(refused),NoOp()"
    first = "exten => s,1,NoOp()"
    return failover(agent, timeouts, context=name, first=first, transfers=places)


def _without_comments(text: str) -> str:
    if text == _HEADING:
        return text
    lines = text.splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith(";"))


def _is_priority(line: str) -> bool:
    return (
        len(line) <= LONGEST_LINE
        and line.isascii()
        and line.isprintable()
        and ";" not in line
        and _PRIORITY.fullmatch(line) is not None
    )


def _is_free(context: str) -> bool:
    """Whether `context` is not one of the contexts in extensions.conf."""
    return context not in (AGENTS, PHONES, QUEUES) and not context.startswith("interject-from-")
