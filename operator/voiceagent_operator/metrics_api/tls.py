"""TLS that demands a certificate of one CA, and changes its own without a new socket.

A socket keeps the context with which it was opened; so each handshake is sent on to the context
that was loaded last. Sessions are not resumed: a resumed one would not be checked again, and a CA
that is replaced would go on being believed.
"""

import ssl
from pathlib import Path

from media_pod.errors import InterjectError

_Stamp = tuple[tuple[int, int, int], ...]


class CertificateError(InterjectError):
    """A certificate, its key or a CA cannot be used."""


class Tls:
    """The serving side; `context` is to be opened with.

    Args:
        certificate: file with the serving certificate, PEM.
        key: file with its key.
        ca: certificates, PEM, of the CA of those who may connect.

    Raises:
        CertificateError: one of them cannot be used.
    """

    def __init__(self, certificate: Path, key: Path, ca: str) -> None:
        self._certificate = certificate
        self._key = key
        self._ca = ca
        self._stamp = self._look()
        self._newest = self._load(ca)
        self.context = self._load(ca)
        self.context.sni_callback = self._send_on

    def renew(self, ca: str) -> bool:
        """Take what is there now, if it is anything else; whether it is.

        Raises:
            CertificateError: it cannot be used; what was there before stays in use.
        """
        stamp = self._look()
        if (stamp, ca) == (self._stamp, self._ca):
            return False
        self._newest = self._load(ca)
        self._stamp, self._ca = stamp, ca
        return True

    def _send_on(self, handshake: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        handshake.context = self._newest

    def _look(self) -> _Stamp:
        """What a change of the files changes too; a mounted Secret changes by its links."""
        try:
            stats = [path.stat() for path in (self._certificate, self._key)]
        except OSError as error:
            raise CertificateError(f"the serving certificate cannot be read: {error}") from error
        return tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)

    def _load(self, ca: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        context.verify_mode = ssl.CERT_REQUIRED
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(
                f"{self._certificate} and {self._key} are no certificate and its key: {error}"
            ) from error
        try:
            context.load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError) as error:
            raise CertificateError(f"the CA of the API server is no CA: {error}") from error
        return context
