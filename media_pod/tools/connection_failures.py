"""What is wrong with a connection, in words: the first cause of an exception of an HTTP library.

Libraries wrap the error of the socket or of TLS several times, in groups too, and their own texts
("All connection attempts failed") do not name it.
"""

import asyncio
import socket
import ssl
from typing import Final

import httpx2

from media_pod.providers.ports import FailureKind, ProviderError

_MAX_CAUSES: Final = 20


def explained(error: BaseException) -> tuple[str, FailureKind]:
    """What happened, as the end of a sentence ("connection refused"), and its kind."""
    causes = _causes(error)
    for each in causes:
        if isinstance(each, ProviderError):
            return str(each), each.kind
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"TLS: {each.verify_message}", FailureKind.UNREACHABLE
        if isinstance(each, ssl.SSLError):
            return f"TLS: {each.reason or each}", FailureKind.UNREACHABLE
        if isinstance(each, socket.gaierror):
            return f"name not found ({each.strerror})", FailureKind.UNREACHABLE
        if isinstance(each, ConnectionRefusedError):
            return "connection refused", FailureKind.UNREACHABLE
    for each in causes:
        if isinstance(each, httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return "no connection in time", FailureKind.TIMEOUT
        if isinstance(each, TimeoutError | httpx2.TimeoutException | asyncio.TimeoutError):
            return "no answer in time", FailureKind.TIMEOUT
        if isinstance(each, httpx2.ConnectError):
            return f"no connection ({each})", FailureKind.UNREACHABLE
        if isinstance(each, httpx2.TransportError | ConnectionError):
            return f"connection broken ({each})", FailureKind.CUT
    last = causes[-1]
    return f"{type(last).__name__}: {last}", FailureKind.INTERNAL


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what caused it, outermost first; of a group, its first member."""
    causes: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(causes) < _MAX_CAUSES:
        if isinstance(current, BaseExceptionGroup):
            current = current.exceptions[0]
            continue
        causes.append(current)
        current = current.__cause__ or current.__context__
    return causes
