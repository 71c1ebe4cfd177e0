"""The certificate of SIP over TLS: validated at the start, and reloaded when it is renewed.

A renewal replaces the files that the values name; in a cluster the kubelet does so. Asterisk reads
them again on `module reload res_pjsip.so`: connections and calls continue, and new connections use
the new certificate. If certificate and key do not match, Asterisk stops listening; hence the reload
only runs after both files have been validated.
"""

import hashlib
import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from asterisk_config.places import Places
from asterisk_config.reload import Reloader
from asterisk_config.sip_values import Tls
from asterisk_config.values import Values
from media_pod.errors import InterjectError, SetupError

RELOAD: Final = "module reload res_pjsip.so"
_MAX_BYTES: Final = 1 << 20
"""Maximum file size: the limit of a Secret, and four times the bundle of public CAs."""

log = logging.getLogger(__name__)


class CertificateWatch:
    """Watches the certificate files. Create it before Asterisk starts.

    Args:
        tls: paths of the files.
        places: paths of Asterisk.
        spawn: starts a command as a child process and returns its process id.

    Raises:
        SetupError: the files are invalid.
    """

    def __init__(self, tls: Tls, places: Places, spawn: Callable[[tuple[str, ...]], int]) -> None:
        self._tls = tls
        self._problem = ""
        check_pair(tls)
        self._reloader = Reloader(RELOAD, places, spawn, _digest(tls))

    def poll(self, now_s: float) -> None:
        """Read the files and reload them if they have changed; call it once a second."""
        try:
            digest = _digest(self._tls)
            if digest != self._reloader.state.written:
                check_pair(self._tls)
                self._reloader.state.wrote(digest)
                log.info("sip.tls: loading a new certificate")
            self._problem = ""
        except InterjectError as error:
            self._log_once(str(error))
        self._reloader.poll(now_s)

    def ended(self, codes: Mapping[int, int]) -> None:
        """Child processes have ended: exit codes by process id."""
        self._reloader.ended(codes)

    def _log_once(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.error("%s; the previous certificate stays in use", problem)


def check(values: Values) -> None:
    """Validate the files of `values.sip.tls`, if it is set.

    Raises:
        SetupError: a file is invalid; the message names its key in the values.
    """
    tls = values.sip.tls
    if tls is None:
        return
    check_pair(tls)
    if any(trunk.transport == "tls" for trunk in values.trunks):
        _read_pem("sip.tls.authorities", tls.authorities, b"CERTIFICATE-----")


def check_pair(tls: Tls) -> None:
    """Validate the certificate and its key.

    Raises:
        SetupError: a file is invalid; the message names its key in the values.
    """
    _read_pem("sip.tls.certificate", tls.certificate, b"CERTIFICATE-----")
    if b"ENCRYPTED" in _read_pem("sip.tls.key", tls.key, b"PRIVATE KEY-----"):
        raise SetupError(
            f"sip.tls.key: {tls.key} is encrypted with a passphrase; store it without one"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror
        raise SetupError(
            f"sip.tls.key: {tls.key} does not match the certificate in {tls.certificate} ({reason})"
        ) from error


def _read_pem(key: str, path: str, label: bytes) -> bytes:
    """The content of a file; it must contain a PEM block that ends with `label`."""
    content = _read(key, path)
    if b"-----BEGIN " not in content or label not in content:
        expected = label.decode().rstrip("-").lower()
        raise SetupError(
            f"{key}: {path} contains no {expected} in PEM format; name a file that does"
        )
    return content


def _read(key: str, path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SetupError(f"{key}: {path} cannot be read ({reason}); mount it there") from error


def _digest(tls: Tls) -> str:
    """Digest of both files."""
    content = (_read("sip.tls.certificate", tls.certificate), _read("sip.tls.key", tls.key))
    return hashlib.sha256(b"\0".join(content)).hexdigest()
