"""Values: everything that can be said about Interject's Asterisk, in one document.

The models check what one value is; this module checks what values say about each other. Whatever
passes can be rendered: the renderers refuse nothing.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.agent_values import (
    Agent,
    Apis,
    Fallback,
    HangUp,
    Queue,
    Timeouts,
    ToExtension,
    ToQueue,
)
from asterisk_config.listening_values import Rtp, Sip
from asterisk_config.sip_values import RESERVED_NAMES, Codecs, Phone, Port, Trunk
from media_pod.manifest.validation import SpecError, StrictModel, describe

AGENTS = "interject-agents"
"""Context in which the agents' extensions are."""
PHONES = "interject-phones"
"""Context in which the phones' numbers are."""
QUEUES = "interject-queues"
"""Context in which the queues are, by name and by extension."""


class Values(StrictModel):
    """Everything that can be said about Interject's Asterisk."""

    api: Apis = Field(
        default=("127.0.0.1:1650",),
        description="Where media pods answer /api/call-start, 1 to 8 of HOST:PORT; a call asks "
        "them in turn. Default 127.0.0.1:1650: a pod beside Asterisk, on its usual port.",
    )
    agents: tuple[Agent, ...] = Field(
        default=(Agent(name="agent", extensions=("100",)),),
        strict=False,
        max_length=200,
        description="The agents, 1 to 200; with published there may be none. Default: one, named "
        "agent, at extension 100.",
    )
    published: bool = Field(
        default=False,
        description="Whether agents are added that Interject's operator publishes, as files "
        "*.conf in /etc/interject/published, which may come, change and go while Asterisk runs. "
        "Default false: the agents are those of this file.",
    )
    phones: tuple[Phone, ...] = Field(
        default=(), strict=False, max_length=500, description="Phones. Default: none."
    )
    queues: tuple[Queue, ...] = Field(
        default=(), strict=False, max_length=100, description="Queues of phones. Default: none."
    )
    trunks: tuple[Trunk, ...] = Field(
        default=(), strict=False, max_length=50, description="Trunks. Default: none."
    )
    codecs: Codecs = Field(
        default=("ulaw", "alaw", "g722"),
        description="Codecs of phones and trunks, the best first, of ulaw, alaw and g722. "
        "Default in that order: 8000 Hz agents need no conversion of rates.",
    )
    sip: Sip = Field(default=Sip(), description="Where Asterisk listens for SIP.")
    rtp: Rtp = Field(default=Rtp(), description="Which ports media use.")
    timeouts: Timeouts = Field(default=Timeouts(), description="How long callers may wait.")
    fallback: Fallback = Field(
        default=HangUp(),
        description="What happens to a caller whom no pod takes. Default: hang up.",
    )
    metrics_port: Port | None = Field(
        default=None,
        description="TCP port at which Asterisk answers GET /metrics for Prometheus, on every "
        "address and without a password: keep it from the outside. Default: no metrics.",
    )
    log_level: Literal["error", "warning", "notice", "verbose", "debug"] = Field(
        default="notice",
        description="The least that is logged. Default notice: refused registrations and lost "
        "pods, no lines about ordinary calls. verbose shows every step of the dialplan.",
    )
    drain_seconds: int = Field(
        default=900,
        ge=0,
        le=86_400,
        description="How long calls may go on once Asterisk is told to stop, in seconds. Default "
        "900, as long as media pods give them.",
    )

    @property
    def peers(self) -> tuple[Phone | Trunk, ...]:
        """Whatever calls by SIP."""
        return (*self.phones, *self.trunks)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.agents and not self.published:
            raise PydanticCustomError(
                "clash", "found no agents; allowed: at least one, or published agents"
            )
        faults = (*_doubles(self), *_unknown(self), *_transports(self), *_ports(self))
        for problem in faults:
            raise PydanticCustomError("clash", "{problem}", {"problem": problem})
        return self


def load_values(data: object, source: str) -> Values:
    """The values in `data`, a parsed document that came from `source`.

    Raises:
        SpecError: they cannot be taken; the message lists every problem.
    """
    try:
        return Values.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        raise SpecError(source, describe(errors, Values)) from None


def queue_numbers(queue: Queue) -> tuple[str, ...]:
    """What reaches `queue` in its context."""
    return (queue.name, queue.extension) if queue.extension else (queue.name,)


def _doubles(values: Values) -> Iterable[str]:
    numbers = [number for agent in values.agents for number in agent.extensions]
    numbers += [phone.number for phone in values.phones]
    numbers += [queue.extension for queue in values.queues if queue.extension]
    groups: dict[str, list[str]] = {
        "agents": [agent.name for agent in values.agents],
        "phones and trunks": [peer.name for peer in values.peers],
        "queues": [number for queue in values.queues for number in queue_numbers(queue)],
        "codecs": list(values.codecs),
        "transports": list(values.sip.transports),
        "extensions": numbers,
    }
    for group, names in groups.items():
        for name, times in Counter(names).items():
            if times > 1:
                yield f"{group}: found {name} {times} times; allowed: each once"
    for group in ("phones and trunks", "queues"):
        for name in RESERVED_NAMES.intersection(groups[group]):
            yield f"{group}: found {name}; allowed: names that Asterisk does not use"
    own = {context.removeprefix("interject-") for context in (AGENTS, PHONES, QUEUES)}
    for name in groups["agents"]:
        # Published agents have names with underscores, and what they share begins with call-.
        if name in own or name.startswith(("from-", "call-")) or "_" in name:
            yield f"agents: found the name {name}; allowed: names that no other context has"


def _unknown(values: Values) -> Iterable[str]:
    """References to what is not there."""
    phones = {phone.name for phone in values.phones}
    agents = {agent.name for agent in values.agents}
    for queue in values.queues:
        for member in queue.members:
            if member not in phones:
                yield f"queues: found the member {member}; allowed: {_some(phones, 'phones')}"
    for trunk in values.trunks:
        if trunk.agent is not None and trunk.agent not in agents:
            yield f"trunks: found the agent {trunk.agent}; allowed: {_some(agents, 'agents')}"
    for fallback in (values.fallback, *(agent.fallback for agent in values.agents)):
        if isinstance(fallback, ToExtension):
            # not to an agent, whose own fallback might lead back here for ever
            yield from _nowhere(values, "fallback", fallback.destination, (PHONES, QUEUES))
        names = {queue.name for queue in values.queues}
        if isinstance(fallback, ToQueue) and fallback.queue not in names:
            yield f"fallback: found the queue {fallback.queue}; allowed: {_some(names, 'queues')}"
    for agent in values.agents:
        for destination in agent.transfers:
            where = f"transfers of {agent.name}"
            yield from _nowhere(values, where, destination, (AGENTS, PHONES, QUEUES))


def _transports(values: Values) -> Iterable[str]:
    listening = values.sip.listening
    for peer in values.peers:
        if peer.transport is None or peer.transport in listening:
            continue
        why = "without sip.tls" if peer.transport == "tls" else "not of sip.transports"
        yield (
            f"{peer.name}: found the transport {peer.transport}, {why}; "
            f"allowed: {', '.join(listening)}"
        )


def _nowhere(
    values: Values, where: str, destination: str, contexts: tuple[str, ...]
) -> Iterable[str]:
    """A destination that the rendered dialplan does not have, or not for this purpose."""
    context, extension, priority = destination.split(",")
    numbers = {
        PHONES: [phone.number for phone in values.phones],
        QUEUES: [number for queue in values.queues for number in queue_numbers(queue)],
        AGENTS: [number for agent in values.agents for number in agent.extensions],
    }
    if context not in contexts:
        yield f"{where}: found the context {context}; allowed: {', '.join(contexts)}"
        return
    if priority != "1":
        yield f"{where}: found {destination}; allowed: priority 1"
    if context == AGENTS and values.published:
        return  # a published agent may have it
    exact = numbers[context]
    if extension not in exact and not any(number.startswith("_") for number in exact):
        yield f"{where}: found {context},{extension}; allowed there: {_some(exact, 'numbers')}"


def _some(names: Iterable[str], kind: str) -> str:
    return ", ".join(sorted(names)) or f"nothing, there are no {kind}"


def _ports(values: Values) -> Iterable[str]:
    if values.rtp.first_port <= values.sip.port <= values.rtp.last_port:
        yield f"sip.port: found {values.sip.port} among the ports of rtp; allowed: one outside"
    taken = {"sip.port": values.sip.port} if "tcp" in values.sip.transports else {}
    if values.sip.tls:
        taken["sip.tls.port"] = values.sip.tls.port
    for name, port in taken.items():
        if values.metrics_port == port:
            yield f"metricsPort: found {port}, which is {name}; allowed: another"
