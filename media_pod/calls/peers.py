"""The other pods, over their HTTP API: which has room for a call, and which knows one.

A pod asks its peers with `hop=1`, and a pod that is asked with it asks no further: questions end
with the first hop. A pod that finds itself among its peers answers itself as any other would.
"""

import asyncio
import json
import logging
import random
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiohttp

from media_pod.calls.answers import Next, NextStep, StillConnectedError
from media_pod.dialogues.ports import VARIABLE_PREFIX, CallInfo
from media_pod.listening import host_port

MOST_ASKED: Final = 16
"""Peers per question: of a larger fleet, the first so many in random order."""
PEER_DEADLINE_S: Final = 0.3
"""For one peer. A pod that lives answers within milliseconds, and a caller is waiting."""
MAX_ANSWER_BYTES: Final = 1024

_LONGEST_FOUND = 60
_logger = logging.getLogger(__name__)


class HttpPeers:
    """`Peers` over HTTP.

    Args:
        addresses: `host:port` of the peers' HTTP API; a name with several addresses, such as a
            headless Service, stands for all of them.
        deadline_s: for one peer's answer, and for the look-up of one name.
        shuffle: puts the peers in the order in which they are asked.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        deadline_s: float = PEER_DEADLINE_S,
        shuffle: Callable[[list[tuple[str, int]]], None] = random.shuffle,
    ) -> None:
        self._addresses = tuple(addresses)
        self._deadline_s = deadline_s
        self._shuffle = shuffle

    async def start(self, info: CallInfo) -> Next | None:
        """See `Peers.start`. One after the other, because each that says yes keeps a slot."""
        async with self._session() as session:
            for peer in await self._resolve():
                status, answer = await _ask(session, peer, "call-start", info)
                if status == 200 and (found := _parse(peer, answer)) is not None:
                    return found
        return None

    async def next(self, info: CallInfo) -> Next | None:
        """See `Peers.next`. All at once: at most one of them knows the call."""
        async with self._session() as session:
            peers = await self._resolve()
            answers = await asyncio.gather(
                *(_ask(session, peer, "call-next", info) for peer in peers)
            )
        for peer, (status, answer) in zip(peers, answers, strict=True):
            if status == 409:
                raise StillConnectedError(info.uuid)
            if status == 200 and (found := _parse(peer, answer)) is not None:
                return found
        return None

    async def _resolve(self) -> list[tuple[str, int]]:
        found = await asyncio.gather(
            *(_resolve(address, self._deadline_s) for address in self._addresses)
        )
        peers = list(dict.fromkeys(peer for group in found for peer in group))
        self._shuffle(peers)
        return peers[:MOST_ASKED]

    def _session(self) -> aiohttp.ClientSession:
        # A session per question: they are rare, and the peers of the last one may be gone.
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._deadline_s))


async def _resolve(address: str, deadline_s: float) -> list[tuple[str, int]]:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline_s):
            found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        _logger.warning("peer %s: its name is not found (%r)", address, error)
        return []
    return [(str(sockaddr[0]), int(sockaddr[1])) for *_, sockaddr in found]


async def _ask(
    session: aiohttp.ClientSession, peer: tuple[str, int], question: str, info: CallInfo
) -> tuple[int, Any]:
    """The status and JSON that `peer` answers; (0, None) if it does not."""
    url = f"http://{host_port(*peer)}/api/{question}"
    query = {"uuid": info.uuid, "from": info.from_number, "to": info.to_number, "hop": "1"}
    if info.traceparent:
        query["traceparent"] = info.traceparent
    if info.leg is not None:
        query["leg"] = str(info.leg)
    query |= {f"{VARIABLE_PREFIX}{name}": value for name, value in info.variables.items()}
    try:
        async with session.get(url, params=query, headers={"Accept": "application/json"}) as answer:
            if answer.status != 200:
                return answer.status, None
            return answer.status, json.loads(await _read(answer.content))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        _logger.info("peer %s does not answer: %s", url, repr(error))
        return 0, None


async def _read(content: aiohttp.StreamReader) -> bytes:
    """The whole body of an answer, which may come without a Content-Length.

    Raises:
        ValueError: more than `MAX_ANSWER_BYTES`.
    """
    try:
        await content.readexactly(MAX_ANSWER_BYTES + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    raise ValueError(f"read over {MAX_ANSWER_BYTES} bytes, expected at most as many")


def _parse(peer: tuple[str, int], answer: Any) -> Next | None:
    """What a peer said, None if that means nothing."""
    match answer:
        case {"next": "done"}:
            return Next(NextStep.DONE)
        case {"next": "connect", "address": str(address)} if address:
            return Next(NextStep.CONNECT, address=address)
        case {"next": "goto", "goto": str(goto)} if goto:
            return Next(NextStep.GOTO, goto=goto)
    found = repr(answer)[:_LONGEST_FOUND]
    _logger.warning(
        "peer %s: read %s, expected next to be done, connect or goto", host_port(*peer), found
    )
    return None
