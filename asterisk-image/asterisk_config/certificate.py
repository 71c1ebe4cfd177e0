"""The certificate of SIP over TLS: checked before Asterisk starts, and whenever it is renewed.

Whoever renews a certificate replaces the files that the values name; in a cluster the kubelet does.
Asterisk reads them again on `module reload res_pjsip.so`: connections and calls go on, new
connections get the new certificate. It stops listening if the files do not fit together then, so it
hears of them only once they do. Asking, and asking again, goes as for the published dialplan.
"""

import hashlib
import logging
import os
import signal
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from asterisk_config.listening_values import Tls
from asterisk_config.places import Places
from asterisk_config.publication import Do, Publication
from asterisk_config.values import Values
from media_pod.errors import InterjectError, SetupError

RELOAD: Final = "module reload res_pjsip.so"
_MAX_BYTES: Final = 1 << 20
"""Of a file: the public authorities have a quarter of it, and a Secret cannot be larger."""

log = logging.getLogger(__name__)


class CertificateWatch:
    """The way of renewed files to Asterisk. To be made before Asterisk starts.

    Args:
        tls: where the files are.
        places: of Asterisk.
        spawn: starts a command as a child process, and returns its id.

    Raises:
        SetupError: the files cannot be used.
    """

    def __init__(self, tls: Tls, places: Places, spawn: Callable[[tuple[str, ...]], int]) -> None:
        self._tls = tls
        self._places = places
        self._spawn = spawn
        self._reload: int | None = None
        self._problem = ""
        check_pair(tls)
        self._publication = Publication(_digest(tls))

    def look(self, now_s: float) -> None:
        """Compare the files with what Asterisk has, and do what is due."""
        try:
            digest = _digest(self._tls)
            if digest != self._publication.written:
                check_pair(self._tls)
                self._publication.wrote(digest)
                log.info("sip.tls: another certificate")
            self._problem = ""
        except InterjectError as error:
            self._complain(str(error))
        match self._publication.look(now_s):
            case Do.RELOAD:
                self._reload = self._spawn(self._places.command("-rx", RELOAD))
            case Do.KILL if self._reload is not None:
                os.kill(self._reload, signal.SIGKILL)

    def ended(self, codes: Mapping[int, int]) -> None:
        """Children have ended, with these exit codes by their ids."""
        if self._reload is not None and self._reload in codes:
            self._publication.ended(codes[self._reload])
            self._reload = None

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.error("%s; the certificate before stays", problem)


def check(values: Values) -> None:
    """Look at the files that `values.sip.tls` names, if there is one.

    Raises:
        SetupError: one cannot be used; the message names its key.
    """
    tls = values.sip.tls
    if tls is None:
        return
    check_pair(tls)
    if any(trunk.transport == "tls" for trunk in values.trunks):
        _pem("sip.tls.authorities", tls.authorities, b"CERTIFICATE-----")


def check_pair(tls: Tls) -> None:
    """Look at the certificate and its key.

    Raises:
        SetupError: they cannot be used; the message names the key of the values.
    """
    _pem("sip.tls.certificate", tls.certificate, b"CERTIFICATE-----")
    if b"ENCRYPTED" in _pem("sip.tls.key", tls.key, b"PRIVATE KEY-----"):
        raise SetupError(
            f"sip.tls.key: {tls.key} has a passphrase, which nobody can give; store it without one"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror
        raise SetupError(
            f"sip.tls.key: {tls.key} does not fit the certificate in {tls.certificate} ({reason})"
        ) from error


def _pem(key: str, path: str, label: bytes) -> bytes:
    """The content of a file that is meant to hold `label`."""
    content = _read(key, path)
    if b"-----BEGIN " not in content or label not in content:
        wanted = label.decode().rstrip("-").lower()
        raise SetupError(f"{key}: {path} holds no {wanted} in PEM; name a file that does")
    return content


def _read(key: str, path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(f"{key}: {path} cannot be read ({reason}); mount it there") from error


def _digest(tls: Tls) -> str:
    """What tells these files from others."""
    content = (_read("sip.tls.certificate", tls.certificate), _read("sip.tls.key", tls.key))
    return hashlib.sha256(b"\0".join(content)).hexdigest()
