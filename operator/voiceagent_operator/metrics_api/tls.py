"""TLS that demands a certificate of one CA, and changes its own without a new socket.

A socket keeps the context with which it was opened; so each handshake is sent on to the context
that was loaded last. Sessions are not resumed: a resumed one would not be checked again, and a CA
that is replaced would still be trusted.
"""

import os
import ssl
from dataclasses import dataclass, field

from media_pod.errors import InterjectError


class CertificateError(InterjectError):
    """A certificate, its key or a CA cannot be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A serving certificate, PEM, and its key."""

    source: str
    """Where both are from, for people."""
    certificate: bytes
    key: bytes = field(repr=False)


class ServingTls:
    """The serving side; `context` is to be opened with.

    Args:
        identity: what it serves by.
        ca: certificates, PEM, of the CA of those who may connect.

    Raises:
        CertificateError: one of them cannot be used.
    """

    def __init__(self, identity: Identity, ca: str) -> None:
        self._current = (identity, ca)
        self._newest = _load(identity, ca)
        self.context = _load(identity, ca)
        self.context.sni_callback = self._send_on

    def renew(self, identity: Identity, ca: str) -> bool:
        """Take these, if they are others than before; whether they are.

        Raises:
            CertificateError: they cannot be used; what was there before stays in use.
        """
        if (identity, ca) == self._current:
            return False
        self._newest = _load(identity, ca)
        self._current = (identity, ca)
        return True

    def _send_on(self, handshake: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        handshake.context = self._newest


def _load(identity: Identity, ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["http/1.1"])
    try:
        _load_identity(context, identity)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(
            f"{identity.source}: not a certificate with its key: {error}"
        ) from error
    try:
        context.load_verify_locations(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(f"the CA of the API server is invalid: {error}") from error
    return context


def _load_identity(context: ssl.SSLContext, identity: Identity) -> None:
    """`ssl` takes a key from a file alone; this one is memory, so that no disk ever has it."""
    memory = os.memfd_create("interject-metrics-api")
    try:
        with open(memory, "wb", closefd=False) as file:
            file.write(identity.certificate + b"\n" + identity.key)
        context.load_cert_chain(f"/proc/self/fd/{memory}", password=_no_password)
    finally:
        os.close(memory)


def _no_password() -> str:
    """Without this OpenSSL would ask the terminal for the password of a key that has one."""
    return ""
