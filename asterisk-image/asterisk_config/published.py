"""The agents of a cluster as one file of dialplan, for an Asterisk that runs.

The operator makes the file (`published`) and puts it into a ConfigMap; the supervisor beside
Asterisk checks it (`check`) and has it read. Both are pure.

Agents share what they have in common: a call goes through the agent's context, which says where
its pods are, into one that all agents of its transport and rate have. So an agent takes one
kilobyte of the ConfigMap, and a call goes on when its agent's context is deleted meanwhile.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from asterisk_config.agent_values import Agent, Fallback, HangUp, Timeouts
from asterisk_config.dialplan import allowed, enter, entrance, failover, parameters
from asterisk_config.texts import LONGEST_AGENT_NAME
from asterisk_config.values import AGENTS, PHONES, QUEUES
from media_pod.manifest.validation import SpecError

SHARED: Final = "interject-call-"
"""What the names of shared contexts begin with."""
LONGEST_LINE: Final = 4000
"""Characters; Asterisk skips a line of 8192 or more."""
MAX_BYTES: Final = 1 << 20
"""A ConfigMap holds no more."""

_HEADING: Final = "; Agents of a cluster. Interject's operator writes this file."
_DIGEST_DIGITS: Final = 16
_ADDED: Final = f"[{AGENTS}](+)"
_ALLOWED: Final = f"{_ADDED}, [interject-NAME], or a priority in one of them with its application"
_CONTEXT: Final = re.compile(r"\[(interject-[a-z0-9][a-z0-9_-]*)\]")
_STEP: Final = re.compile(r"(exten => [^,\s]+,[1-9][0-9]*| same => n(\([a-z]+\))?),[A-Za-z]+\(.*\)")


def context_name(namespace: str, name: str) -> str:
    """The name of the agent `name` of `namespace`, for `Agent.name`; unique in its cluster.

    Labels of DNS have no underscores, so that one of them parts the two, and two part what had to
    be cut off from the digest of the whole.
    """
    whole = f"{namespace}_{name}"
    if len(whole) <= LONGEST_AGENT_NAME:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_DIGITS]
    return f"{whole[: LONGEST_AGENT_NAME - len(digest) - 2]}__{digest}"


def published(agents: Sequence[Agent], timeouts: Timeouts, fallback: Fallback | None = None) -> str:
    """The text of the file: the same for the same agents, in whatever order they come.

    Args:
        agents: each with an `api` of its own and the dialplan failover; none of their extensions
            twice.
        timeouts: for all of them.
        fallback: of those that have none. Default: hang up.

    Raises:
        ValueError: the agents are not as above.
    """
    ordered = sorted(agents, key=lambda agent: agent.name)
    _expect_usable(ordered)
    parts = [_HEADING]
    if ordered:
        parts.append("\n".join((_ADDED, *_numbers(ordered))))
    parts += [_agent(agent, timeouts, fallback or HangUp()) for agent in ordered]
    shared = {_shared(agent): agent for agent in ordered}
    parts += [_call(name, shared[name], timeouts) for name in sorted(shared)]
    return "\n\n".join(map(_without_comments, parts)) + "\n"


def check(text: str, source: str) -> None:
    """Raise unless Asterisk can read `text`, which came from `source`, and does no more with it
    than add contexts of agents and their numbers.

    Raises:
        SpecError: what is wrong, and in which line.
    """
    context = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or (line.startswith(";") and not line.startswith(";--")):
            continue
        header = _CONTEXT.fullmatch(line)
        if line == _ADDED or (header is not None and _is_free(header[1])):
            context = line
        elif not context or not _is_step(line):
            found = f"line {number}: found {line[:60]!r}"
            raise SpecError(source, (f"{found}; allowed: {_ALLOWED}",))


def _expect_usable(agents: Sequence[Agent]) -> None:
    names = Counter(agent.name for agent in agents)
    numbers = Counter(number for agent in agents for number in agent.extensions)
    for twice, times in (*names.items(), *numbers.items()):
        if times > 1:
            raise ValueError(f"{twice} is there {times} times, expected once")
    for agent in agents:
        if agent.api is None or agent.dialplan != "failover":
            raise ValueError(f"{agent.name}: expected an api and the dialplan failover")


def _numbers(agents: Iterable[Agent]) -> Iterable[str]:
    for agent in agents:
        for number in sorted(agent.extensions):
            yield from entrance(number, agent.context)


def _agent(agent: Agent, timeouts: Timeouts, fallback: Fallback) -> str:
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


def _shared(agent: Agent) -> str:
    """The context that `agent` shares with all that are connected in the same way."""
    buffer = f"-{agent.buffer}" if agent.buffer else ""
    return f"{SHARED}{agent.transport.lower()}-{agent.rate_hz}{buffer}"


def _call(name: str, agent: Agent, timeouts: Timeouts) -> str:
    """The shared context `name`, as one of its agents is connected."""
    places = " same => n,Goto(${INTERJECT_AGENT},handover,1)\n same => n(refused),NoOp()"
    first = "exten => s,1,NoOp()"
    return failover(agent, timeouts, context=name, first=first, transfers=places)


def _without_comments(text: str) -> str:
    if text == _HEADING:
        return text
    lines = text.splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.startswith(";"))


def _is_step(line: str) -> bool:
    return (
        len(line) <= LONGEST_LINE
        and line.isascii()
        and line.isprintable()
        and ";" not in line
        and _STEP.fullmatch(line) is not None
    )


def _is_free(context: str) -> bool:
    """Whether an agent may be called that, beside the contexts that Asterisk has of its own."""
    return context not in (AGENTS, PHONES, QUEUES) and not context.startswith("interject-from-")
