"""The model of the values file.

The models of the parts check each value; this module checks values against each other. Values that
pass can be rendered: the renderers raise no errors.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from asterisk_config.agent_values import (
    Apis,
    DialplanAgent,
    EndCall,
    Fallback,
    Queue,
    Timeouts,
    ToExtension,
    ToQueue,
)
from asterisk_config.number_plan import AGENTS, PHONES, QUEUES, TransferPlaces
from asterisk_config.sip_values import RESERVED_NAMES, Codecs, PhoneEndpoint, Port, Rtp, Sip, Trunk
from media_pod.manifest.validation import SpecError, StrictModel, describe

FILES_AT_REST: Final = 512
FILES_PER_CALL: Final = 16
"""See the description of `max_files`; measured by tests/asterisk/test_limits.py."""


class Values(StrictModel):
    """The values of Interject's Asterisk."""

    api: Apis = Field(
        default=("127.0.0.1:1650",),
        description="HTTP API of the media pods (/api/call-start), 1 to 8 of HOST:PORT, tried in "
        "turn. Default 127.0.0.1:1650: a pod on the same host, on its usual port.",
    )
    agents: tuple[DialplanAgent, ...] = Field(
        default=(DialplanAgent(name="agent", extensions=("100",)),),
        strict=False,
        max_length=200,
        description="Agents, 1 to 200; with published: true, the list can be empty. Default: one "
        "agent, named agent, at extension 100.",
    )
    published: bool = Field(
        default=False,
        description="Also load agents that Interject's operator publishes: files *.conf in "
        "/etc/interject/published, reloaded at runtime when they are added, changed or removed. "
        "Default false: only the agents of this file.",
    )
    transfer_places: TransferPlaces = Field(
        default=(),
        description="Further locations of the dialplan to which published agents may transfer "
        "callers, each context,extension,priority. Default none: the agents, phones and queues of "
        "this file are always permitted, and no outside line can be reached.",
    )
    phones: tuple[PhoneEndpoint, ...] = Field(
        default=(), strict=False, max_length=500, description="SIP phones. Default: none."
    )
    queues: tuple[Queue, ...] = Field(
        default=(), strict=False, max_length=100, description="Call queues. Default: none."
    )
    trunks: tuple[Trunk, ...] = Field(
        default=(), strict=False, max_length=50, description="SIP trunks. Default: none."
    )
    codecs: Codecs = Field(
        default=("ulaw", "alaw", "g722"),
        description="Codecs of phones and trunks in order of preference, from ulaw, alaw and g722. "
        "Default: this order, because agents at 8000 Hz then need no resampling.",
    )
    sip: Sip = Field(default=Sip(), description="SIP signalling.")
    rtp: Rtp = Field(default=Rtp(), description="RTP port range.")
    timeouts: Timeouts = Field(default=Timeouts(), description="Timeouts and retries of calls.")
    fallback: Fallback = Field(
        default=EndCall(),
        description="Destination of a call that no pod accepts. Default: hang up.",
    )
    metrics_port: Port | None = Field(
        default=None,
        description="TCP port of the Prometheus metrics (GET /metrics), on all addresses and "
        "without authentication: block it from outside. Default: no metrics.",
    )
    max_calls: Annotated[int, Field(ge=1, le=30_000)] | None = Field(
        default=None,
        description="Maximum number of concurrent calls; more are rejected with 503, or with 488 "
        "if no two RTP ports are left for the rejection. Default: half the number of RTP ports "
        "less one, because each call takes two.",
    )
    max_files: Annotated[int, Field(ge=256, le=1_048_576)] | None = Field(
        default=None,
        description="Maximum number of open files, at most the container's hard limit. Default: "
        "512 plus 16 for each of maxCalls: a call takes about 8, while it is transferred twice as "
        "many.",
    )
    log_level: Literal["error", "warning", "notice", "verbose", "debug"] = Field(
        default="notice",
        description="Minimum log level. Default notice: logs rejected registrations and lost pods, "
        "but not normal calls. verbose logs every step of the dialplan. Security events, such as "
        "rejected passwords with their source address, are always logged.",
    )
    drain_seconds: int = Field(
        default=900,
        ge=0,
        le=86_400,
        description="Time in seconds that calls may continue after the termination signal. Default "
        "900, the same as for media pods.",
    )

    @property
    def call_limit(self) -> int:
        """The effective maximum of concurrent calls."""
        return self.max_calls or max(1, (self.rtp.last_port - self.rtp.first_port + 1) // 2 - 1)

    @property
    def file_limit(self) -> int:
        """The effective maximum of open files."""
        return self.max_files or FILES_AT_REST + FILES_PER_CALL * self.call_limit

    @property
    def peers(self) -> tuple[PhoneEndpoint | Trunk, ...]:
        """All SIP peers."""
        return (*self.phones, *self.trunks)

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if not self.agents and not self.published:
            raise PydanticCustomError(
                "clash", "found no agents; allowed: at least one agent, or published: true"
            )
        problems = (
            *_duplicates(self),
            *_dangling_references(self),
            *_unavailable_transports(self),
            *_port_conflicts(self),
        )
        for problem in problems:
            raise PydanticCustomError("clash", "{problem}", {"problem": problem})
        return self


def load_values(data: object, source: str) -> Values:
    """Validate `data`, a parsed document; `source` names it in messages.

    Raises:
        SpecError: invalid values; the message lists every problem.
    """
    try:
        return Values.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as errors:
        raise SpecError(source, describe(errors, Values)) from None


def queue_numbers(queue: Queue) -> tuple[str, ...]:
    """The extensions of `queue` in its context."""
    return (queue.name, queue.extension) if queue.extension else (queue.name,)


def _duplicates(values: Values) -> Iterable[str]:
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
                yield f"{group}: found {name} {times} times; allowed: unique values"
    for group in ("phones and trunks", "queues"):
        for name in RESERVED_NAMES.intersection(groups[group]):
            yield f"{group}: found {name}; allowed: names that are not reserved by Asterisk"
    own = {context.removeprefix("interject-") for context in (AGENTS, PHONES, QUEUES)}
    for name in groups["agents"]:
        # Names of published agents contain underscores; their shared contexts start with call-.
        if name in own or name.startswith(("from-", "call-")) or "_" in name:
            yield f"agents: found the name {name}; allowed: names that no other context uses"


def _dangling_references(values: Values) -> Iterable[str]:
    """References to phones, agents, queues and extensions that do not exist."""
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
            # Not to an agent: its own fallback could lead back here in an endless loop.
            yield from _unknown_destination(
                values, "fallback", fallback.destination, (PHONES, QUEUES)
            )
        names = {queue.name for queue in values.queues}
        if isinstance(fallback, ToQueue) and fallback.queue not in names:
            yield f"fallback: found the queue {fallback.queue}; allowed: {_some(names, 'queues')}"
    for agent in values.agents:
        for destination in agent.transfers:
            where = f"transfers of {agent.name}"
            yield from _unknown_destination(values, where, destination, (AGENTS, PHONES, QUEUES))


def _unavailable_transports(values: Values) -> Iterable[str]:
    listening = values.sip.listening
    for peer in values.peers:
        if peer.transport is None or peer.transport in listening:
            continue
        why = "sip.tls is not set" if peer.transport == "tls" else "it is not in sip.transports"
        yield (
            f"{peer.name}: found transport {peer.transport}, but {why}; "
            f"allowed: {', '.join(listening)}"
        )


def _unknown_destination(
    values: Values, where: str, destination: str, contexts: tuple[str, ...]
) -> Iterable[str]:
    """Problems of a destination: it must exist in the dialplan, in one of `contexts`."""
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
        return  # The number can belong to a published agent.
    exact = numbers[context]
    if extension not in exact and not any(number.startswith("_") for number in exact):
        yield f"{where}: found {context},{extension}; allowed there: {_some(exact, 'numbers')}"


def _some(names: Iterable[str], kind: str) -> str:
    return ", ".join(sorted(names)) or f"nothing, because there are no {kind}"


def _port_conflicts(values: Values) -> Iterable[str]:
    if values.rtp.first_port <= values.sip.port <= values.rtp.last_port:
        yield f"sip.port: found {values.sip.port} in the range of rtp; allowed: a port outside it"
    taken = {"sip.port": values.sip.port} if "tcp" in values.sip.transports else {}
    if values.sip.tls:
        taken["sip.tls.port"] = values.sip.tls.port
    for name, port in taken.items():
        if values.metrics_port == port:
            yield f"metricsPort: found {port}, the same as {name}; allowed: another port"
