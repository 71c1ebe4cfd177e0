"""kopf's watch of VoiceAgents, with the credentials of the operator's own client."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import kopf
from kopf._core.engines.peering import Identity
from kubernetes.aio.client import Configuration

from voiceagent_operator.kube.kinds import GROUP, VERSION, VOICE_AGENT, Json

IDLE_S: Final = 70.0
"""Longest silence of a watch before kopf reconnects; API servers send a bookmark each minute."""

_IDENTITY: Final = Identity("interject-operator")
"""Only kopf's peering uses it, which is off. By default kopf builds it from the name of the user,
and fails for a user ID without a name, such as those that OpenShift assigns."""

OnEvent = Callable[[str | None, Json], None]
"""Takes ADDED, MODIFIED or DELETED, or None for an object of the initial list; and the object."""


async def watch_with_kopf(
    cluster: Configuration,
    namespaces: Sequence[str],
    take_signals: Callable[[], None],
    on_event: OnEvent,
) -> None:
    """Report every event of VoiceAgents until cancelled.

    Args:
        cluster: address and credentials; the token is read again after a 401.
        namespaces: which to watch; empty for all.
        take_signals: called once kopf has installed its handlers of SIGTERM and SIGINT.
    """
    started = asyncio.Event()
    operator = asyncio.ensure_future(_operator(cluster, namespaces, started, on_event))
    waiting = asyncio.ensure_future(started.wait())
    try:
        await asyncio.wait((operator, waiting), return_when=asyncio.FIRST_COMPLETED)
        take_signals()
        await operator
    finally:
        waiting.cancel()
        operator.cancel()
        await asyncio.gather(operator, waiting, return_exceptions=True)


async def _operator(
    cluster: Configuration, namespaces: Sequence[str], started: asyncio.Event, on_event: OnEvent
) -> None:
    async def handle(type: str | None, body: kopf.Body, **_: Any) -> None:
        on_event(type, dict(body))

    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_login(cluster))
    kopf.on.event(GROUP, VERSION, VOICE_AGENT.plural, registry=registry)(handle)
    await kopf.operator(
        registry=registry,
        settings=_settings(),
        namespaces=namespaces,
        clusterwide=not namespaces,
        standalone=True,
        identity=_IDENTITY,
        ready_flag=started,
    )


def _login(cluster: Configuration) -> Callable[..., Awaitable[kopf.ConnectionInfo]]:
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection(cluster)

    return login


async def connection(cluster: Configuration) -> kopf.ConnectionInfo:
    """What kopf needs to log in as the client does, with the latest token."""
    header = (await cluster.auth_settings()).get("BearerToken", {}).get("value") or ""
    scheme, _, token = header.rpartition(" ")
    return kopf.ConnectionInfo(
        server=cluster.host,
        ca_path=cluster.ssl_ca_cert,
        insecure=not cluster.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=cluster.cert_file,
        private_key_path=cluster.key_file,
        proxy_url=cluster.proxy,
    )


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # The handler only reads: kopf writes no events, no annotations and no finalizers.
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.watching.inactivity_timeout = IDLE_S
    settings.watching.reconnect_backoff = 1.0
    # With rights in some namespaces alone the operator may not list the cluster's kinds.
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 1.0
    return settings
